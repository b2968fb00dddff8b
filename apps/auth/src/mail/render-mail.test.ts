import { mailKinds } from './mail-job';
import { addressInUse, mailTexts, type MailFacts } from './mail-texts';
import { renderMail } from './render-mail';

const facts: MailFacts = {
  username: '"><img src=x onerror=alert(1)>&',
  webUrl: "https://rostrum.test/'",
  token: 'abc-_123',
  details: { deletedAfter: '<b>soon</b>', claimedBy: '</p><script>' },
};

it.each(
  [...mailKinds.map((kind) => mailTexts[kind]), addressInUse].map((make) => [make(facts).subject, make]),
)('%s: whatever people have chosen is text', (_, make) => {
  const { html, text } = renderMail((make as (given: MailFacts) => ReturnType<typeof addressInUse>)(facts));
  expect(html).not.toMatch(/<img|<script|<b>|onerror=alert\(1\)>/);
  expect(html.match(/<[a-z]+/g)?.every((tag) => /^<(html|head|meta|title|body|p|a)$/.test(tag))).toBe(true);
  expect(text).toContain(facts.username);
});

it('a token is in the part of the link that no server is sent', () => {
  for (const kind of ['verify-email', 'change-email', 'reset-password'] as const) {
    const { text } = renderMail(mailTexts[kind]({ ...facts, webUrl: 'https://rostrum.test' }));
    const url = new URL(/https:\S+/.exec(text)?.[0] ?? '');
    expect([url.hash, url.search]).toEqual(['#token=abc-_123', '']);
  }
});
