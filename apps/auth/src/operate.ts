import { environment, operateSettings } from './config';
import { runOperation } from './operations/run-operation';

const args = process.argv.slice(2);
const write = (line: string) => void process.stdout.write(`${line}\n`);

void runOperation({ spec: operateSettings, environment, args, write }).then(
  (code) => (process.exitCode = code),
);
