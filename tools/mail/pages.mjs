const style = `body { font: 16px/1.5 system-ui, sans-serif; max-width: 48em; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; padding: .3em .6em; border-bottom: 1px solid #ccc }
pre { white-space: pre-wrap; overflow-wrap: anywhere }`;

const page = (title, body) =>
  `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(title)}</title><style>${style}</style></head>
<body>${body}</body></html>
`;

/** The list of what has been caught, the newest first. */
export function mailPage(mails) {
  const rows = mails.map(
    ({ id, to, subject, receivedAt }) =>
      `<tr><td>${escape(receivedAt)}</td><td>${escape(to.join(', '))}</td><td><a href="/mails/${encodeURIComponent(id)}">${escape(subject ?? '')}</a></td></tr>`,
  );
  const table = `<table><tr><th>when</th><th>to</th><th>about</th></tr>${rows.join('')}</table>`;
  return page(
    'Mail',
    `<h1>Mail</h1><p>What the services would have sent.</p>${mails.length > 0 ? table : '<p>Nothing yet.</p>'}`,
  );
}

/** One mail: as text, and as it looks. What is in it cannot run anything. */
export function messagePage({ to, from, subject, text, html }) {
  const frame = `<iframe sandbox srcdoc="${escape(html ?? '')}" style="width: 100%; height: 24em"></iframe>`;
  return page(
    subject ?? '',
    `<p><a href="/">All mail</a></p><h1>${escape(subject ?? '')}</h1><p>To ${escape(to.join(', '))}, from ${escape(from)}</p><pre>${escape(text ?? '')}</pre>${frame}`,
  );
}

const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escape(text) {
  return text.replace(/[&<>"']/g, (character) => entities[character]);
}
