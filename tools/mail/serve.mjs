/** node tools/mail/serve.mjs [smtp port] [web port] — the mail server of development by itself; 0 is any free port. */
import { startMailCapture } from './capture-server.mjs';

const [smtpPort = 8025, webPort = 8096] = process.argv.slice(2).map(Number);
const capture = await startMailCapture({ smtpPort, webPort });
process.stdout.write(`${JSON.stringify({ smtpPort: capture.smtpPort, webPort: capture.webPort })}\n`);
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => void capture.stop());
