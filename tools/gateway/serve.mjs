import { failureLine } from '../native/clear-error.mjs';
import { provideTraefik } from '../native/traefik.mjs';
import { startGateway } from './start-gateway.mjs';

/**
 * The gateway as a process of its own, for callers that are no Node program or no ES module: options as JSON in the first
 * argument; one line of JSON when it is ready, or one line on standard error. Ends on SIGTERM, or when whoever holds its
 * standard input is gone.
 */
async function main() {
  // Listened for from the start: whoever asks while Traefik is starting must not leave it behind.
  const asked = endRequest();
  const options = JSON.parse(process.argv[2] ?? '{}');
  const gateway = await startGateway({
    ...options,
    traefikBin: options.traefikBin ?? (await traefikBinary()),
  });
  const { stop, exited, ...facts } = gateway;
  process.stdout.write(`${JSON.stringify(facts)}\n`);
  let stopping;
  void asked.then(() => (stopping = stop()));
  await exited;
  process.exit((await stopping) ? 0 : 1);
}

function endRequest() {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve).once('SIGINT', resolve);
    process.stdin.resume().once('end', resolve).once('error', resolve);
    // Nobody reads any more; the end of the input says the same.
    process.stdout.once('error', resolve);
  });
}

// Asked once for all tests, the binary's path comes in the environment and is not looked for again.
function traefikBinary() {
  return process.env.TRAEFIK_BIN ?? provideTraefik({ report: (line) => process.stderr.write(`${line}\n`) });
}

main().catch((error) => {
  process.stderr.write(`${failureLine(error)}\n`);
  process.exit(1);
});
