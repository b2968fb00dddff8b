import type { MailText } from './mail-texts';

export interface RenderedMail {
  subject: string;
  text: string;
  html: string;
}

/** The same words as plain text and as HTML; whatever people chose themselves is text there too. */
export function renderMail({ subject, paragraphs, link }: MailText): RenderedMail {
  const lines = [...paragraphs, ...(link ? [`${link.label}: ${link.url}`] : []), 'Rostrum'];
  const parts = [
    ...paragraphs.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`),
    ...(link ? [`<p><a href="${escapeHtml(link.url)}">${escapeHtml(link.label)}</a></p>`] : []),
    '<p>Rostrum</p>',
  ];
  const style = 'font: 16px/1.5 system-ui, sans-serif; max-width: 36em; margin: 2em auto; padding: 0 1em';
  return {
    subject,
    text: `${lines.join('\n\n')}\n`,
    html: `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head><body style="${style}">\n${parts.join('\n')}\n</body></html>\n`,
  };
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
