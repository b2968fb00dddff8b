import { parseArgs } from 'node:util';

const verbs = ['list', 'show', 'replay', 'discard'];
const services = ['auth', 'posts', 'realtime'];

export const usage = `npm run dead-letters -- <command> --service <name> [options]

Events that a service could not handle after five tries, and what to do about them.

  list                  what has been given up, oldest first
  show --id <id>        all of one letter, its payload too
  replay --id <id>      gives it to the service once more, and to no other
  discard --id <id>     removes it for good

  --service <name>      the service that has given them up (${services.join(', ')})
  --from <name>         the service whose events they are; needed where an id is in more than one stream
  --id <id>             may be given more than once
  --all                 instead of --id: replay or discard all of them; discarding asks for --yes too
  --type <type>         only events of this type, for list and --all
  --limit <n>           how many list shows (100)
  --json                prints JSON instead of a table
  --by <who>            who does it, for the record (the system's user)
  --help                shows this

The bus is that of a running npm start, else what the environment or .env says: EVENT_BUS, REDIS_URL, NATS_URL, ….
Exit codes: 0 done, 1 failed, 2 there is no such letter, 64 wrong usage.`;

const options = {
  service: { type: 'string' },
  from: { type: 'string' },
  id: { type: 'string', multiple: true, default: [] },
  all: { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  type: { type: 'string' },
  limit: { type: 'string', default: '100' },
  json: { type: 'boolean', default: false },
  by: { type: 'string' },
  help: { type: 'boolean', default: false },
};

/** `{ help }`, `{ problem }` or `{ command }`. */
export function parseCommand(args) {
  let parsed;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    return { problem: error.message };
  }
  const { help, ...values } = parsed.values;
  if (help) return { help };
  const [verb, ...rest] = parsed.positionals;
  const command = { verb, ...values, limit: Number(values.limit) };
  const problem = problemOf(command, rest);
  return problem ? { problem } : { command };
}

function problemOf({ verb, service, from, id, all, yes, limit }, rest) {
  if (!verbs.includes(verb) || rest.length > 0) return `The command must be one of ${verbs.join(', ')}.`;
  if (!services.includes(service)) return `--service must be one of ${services.join(', ')}.`;
  if (from !== undefined && !services.includes(from)) return `--from must be one of ${services.join(', ')}.`;
  if (!Number.isInteger(limit) || limit < 1) return '--limit must be a whole number.';
  if (verb === 'list') return id.length > 0 || all ? 'list takes neither --id nor --all.' : undefined;
  if (verb === 'show' && all) return 'show needs --id.';
  if (id.length > 0 === all) return `${verb} needs either --id or --all.`;
  return verb === 'discard' && all && !yes ? 'Discarding all is for good: say --yes too.' : undefined;
}
