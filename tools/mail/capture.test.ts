import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import readline from 'node:readline';
import { createTransport } from 'nodemailer';

let child: ChildProcess;
let smtpUrl: string;
let webUrl: string;

beforeAll(async () => {
  child = spawn(process.execPath, [path.join(__dirname, 'serve.mjs'), '0', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = readline.createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> });
  const [line] = (await once(lines, 'line')) as [string];
  const { smtpPort, webPort } = JSON.parse(line) as { smtpPort: number; webPort: number };
  smtpUrl = `smtp://127.0.0.1:${smtpPort}`;
  webUrl = `http://127.0.0.1:${webPort}`;
});

afterAll(async () => {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

const hostile = '<script>alert(1)</script>';

async function send(subject: string, more: object = {}): Promise<void> {
  const transport = createTransport({ url: smtpUrl });
  await transport.sendMail({
    from: 'us@rostrum.test',
    to: 'ada@example.com',
    subject,
    text: 'Hello.',
    ...more,
  });
  transport.close();
}

const get = async (target: string) => {
  const response = await fetch(webUrl + target);
  return { status: response.status, headers: response.headers, text: await response.text() };
};

it('shows what it was sent, the newest first, and sends nothing on', async () => {
  expect((await get('/')).text).toContain('Nothing yet');
  await send('first');
  await send('second', { html: '<p>Hello.</p>' });
  const list = await get('/');
  expect(list.text.indexOf('second')).toBeLessThan(list.text.indexOf('first'));
  const mails = JSON.parse((await get('/api/mails')).text) as { id: string; subject: string; to: string[] }[];
  expect(mails).toMatchObject([{ subject: 'second', to: ['ada@example.com'] }, { subject: 'first' }]);
  const mail = await get(`/mails/${encodeURIComponent(mails[0]?.id ?? '')}`);
  expect(mail.status).toBe(200);
  expect(mail.text).toContain('Hello.');
});

it('nothing in a mail can run on the page', async () => {
  await send(hostile, { text: hostile, html: hostile });
  const mails = JSON.parse((await get('/api/mails')).text) as { id: string }[];
  for (const target of ['/', `/mails/${encodeURIComponent(mails[0]?.id ?? '')}`]) {
    const page = await get(target);
    expect(page.text).not.toContain('<script');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  }
});

it('keeps the newest two hundred, and none that is huge', async () => {
  await expect(send('huge', { text: 'x'.repeat(2_000_000) })).rejects.toThrow();
  const transport = createTransport({ url: smtpUrl, pool: true, maxConnections: 1, maxMessages: Infinity });
  const mail = { from: 'us@rostrum.test', to: 'ada@example.com', text: 'Hello.' };
  await Promise.all(
    Array.from({ length: 205 }, (_, n) => transport.sendMail({ ...mail, subject: `mail ${n}` })),
  );
  transport.close();
  const mails = JSON.parse((await get('/api/mails')).text) as { subject: string }[];
  expect(mails).toHaveLength(200);
  expect(mails[0]?.subject).toBe('mail 204');
});

it('knows nothing else', async () => {
  expect((await get('/mails/none')).status).toBe(404);
  expect((await get('/etc/passwd')).status).toBe(404);
  expect((await fetch(webUrl, { method: 'POST' })).status).toBe(405);
});
