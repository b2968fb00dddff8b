/** The `serve` target: one service with the servers it needs, without the gateway:  npx nx serve posts */
import path from 'node:path';

const [projectRoot] = process.argv.slice(2);
const service = path.basename(projectRoot ?? '');
process.argv = [...process.argv.slice(0, 2), ...(service ? ['--only', service, '--no-build'] : ['--help'])];
await import('./main.mjs');
