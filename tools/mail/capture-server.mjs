/**
 * The mail server of development: takes every mail, sends none on, and shows them on a page. Nothing is kept longer
 * than it runs.
 */
import { createServer } from 'node:http';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { mailPage, messagePage } from './pages.mjs';

const mostKept = 200;
const largestMail = 1_048_576;
const html = 'text/html; charset=utf-8';

const headers = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

/** Starts both on the loopback; resolves with their ports, the mails, and how to close it. */
export async function startMailCapture({ smtpPort = 0, webPort = 0 } = {}) {
  const mails = [];
  const smtp = smtpServer((mail) => {
    mails.unshift(mail);
    mails.length = Math.min(mails.length, mostKept);
  });
  const web = createServer((request, response) => answer(mails, request, response));
  await listen(smtp, smtpPort);
  try {
    await listen(web, webPort);
  } catch (error) {
    await close(smtp);
    throw error;
  }
  return {
    smtpPort: smtp.server.address().port,
    webPort: web.address().port,
    mails,
    stop: async () => {
      web.closeAllConnections();
      await Promise.all([close(smtp), close(web)]);
    },
  };
}

function smtpServer(keep) {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    size: largestMail,
    logger: false,
    onData(stream, session, done) {
      const chunks = [];
      // What is beyond the limit is read, but not kept.
      stream.on('data', (chunk) => !stream.sizeExceeded && chunks.push(chunk));
      stream.on('end', () => {
        if (stream.sizeExceeded) {
          done(Object.assign(new Error('too large'), { responseCode: 552 }));
          return;
        }
        const to = session.envelope.rcptTo.map(({ address }) => address);
        parse(Buffer.concat(chunks), to)
          .then(keep)
          .then(() => done(), done);
      });
    },
  });
  server.on('error', () => undefined);
  return server;
}

async function parse(bytes, to) {
  const { messageId, from, subject, text, html, date } = await PostalMime.parse(bytes);
  const id = (messageId ?? '').replace(/[<>]/g, '') || `${Date.now()}`;
  return {
    id,
    to,
    from: from?.address ?? '',
    subject,
    text,
    html,
    date,
    receivedAt: new Date().toISOString(),
  };
}

/** `/` lists the mails, `/api/mails` does so for programs, `/mails/<id>` shows one as its reader would see it. */
function answer(mails, request, response) {
  const { pathname } = new URL(request.url, 'http://mail');
  const id = /^\/mails\/([^/]+)$/.exec(pathname)?.[1];
  const mail = id && mails.find((each) => each.id === decodeURIComponent(id));
  if (request.method !== 'GET') return send(response, 405);
  if (pathname === '/') return send(response, 200, { type: html, body: mailPage(mails) });
  if (pathname === '/api/mails')
    return send(response, 200, { type: 'application/json', body: JSON.stringify(mails) });
  if (mail) return send(response, 200, { type: html, body: messagePage(mail) });
  return send(response, 404);
}

function send(response, status, { type = 'text/plain', body = `${status}\n` } = {}) {
  response.writeHead(status, { ...headers, 'Content-Type': type }).end(body);
}

function listen(server, port) {
  return new Promise((resolve, reject) => {
    (server.server ?? server).once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}

function close(server) {
  return new Promise((resolve) => server.close(resolve));
}
