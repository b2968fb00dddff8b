import { dataDir, shownPath } from '../native/workspace.mjs';
import { logFileOf } from './service-units.mjs';

/** What runs where, as lines: the table that `npm start` ends with. */
export function readyTable(stack) {
  const { ports } = stack.context;
  const rows = [['what', 'where', 'log', 'state'], ...gatewayRows(stack)];
  for (const service of stack.services) {
    const name = service.toUpperCase();
    const ops = ports[`${name}_OPS_PORT`];
    rows.push([service, `http://127.0.0.1:${ports[`${name}_PORT`]}, ops :${ops}`, log(service), 'ready']);
    if (stack.supervisor.names.includes(`${service}-worker`)) {
      rows.push([
        `${service} worker`,
        `ops http://127.0.0.1:${ports[`${name}_WORKER_OPS_PORT`]}`,
        log(`${service}-worker`),
        'ready',
      ]);
    }
  }
  rows.push(
    serverRow('PostgreSQL', stack.context.databaseUrl, stack.settings.databaseUrl || log('postgres')),
  );
  rows.push(serverRow('Redis', stack.context.redisUrl, stack.settings.redisUrl || log('redis')));
  if (stack.mailUrl) rows.push(['mail (caught)', stack.mailUrl, '-', 'ready']);
  return [...align(rows), '', ...notes(stack)];
}

function gatewayRows({ url, context: { ports }, missingGateway, wantsGateway }) {
  if (!wantsGateway) return [];
  if (missingGateway) return [['gateway', '-', '-', 'MISSING']];
  return [
    ['gateway', url, log('traefik'), 'ready'],
    ['', `http://localhost:${ports.GATEWAY_HTTP_PORT} (redirects)`, log('access'), ''],
    ['API reference', `${url}/docs`, '', 'ready'],
  ];
}

function serverRow(what, url, logFile) {
  const given = logFile === url;
  return [what, new URL(url).host, given ? 'not ours' : logFile, 'ready'];
}

function notes({ missingGateway, wantsGateway, seedLines }) {
  const lines = [];
  if (wantsGateway && missingGateway) {
    lines.push(`THERE IS NO GATEWAY: ${missingGateway}`, 'The services answer on their own ports only.', '');
  }
  if (seedLines.length > 0) lines.push(...seedLines, '');
  lines.push(`Data is in ${shownPath(dataDir)} and survives; npm run reset removes it.`);
  lines.push('Press Ctrl-C to drain and stop everything.');
  return lines;
}

const log = (name) => shownPath(logFileOf(name));

function align(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const text = (row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  return [text(rows[0]), rule, ...rows.slice(1).map(text)].map((line) => `  ${line}`);
}
