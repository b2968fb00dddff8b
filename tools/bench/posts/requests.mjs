/** What the callers ask for, as scripts of wrk: each is made once and asked for in turn. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';

const text = (value) => JSON.stringify(String(value));
const table = (headers) =>
  `{${Object.entries(headers)
    .map(([name, value]) => `[${text(name)}]=${text(value)}`)
    .join(',')}}`;

/** `requests`: [{ path, headers }]. They begin at different places in each run, so that runs do not repeat each other. */
export function writeReads(folder, name, requests) {
  const lines = requests.map(
    ({ path: target, headers }) => `  wrk.format("GET", ${text(target)}, ${table(headers)}),`,
  );
  return write(
    folder,
    name,
    `local all
init = function()
  all = {
${lines.join('\n')}
  }
  math.randomseed(os.time())
  at = math.random(#all)
end
request = function()
  at = at % #all + 1
  return all[at]
end
`,
  );
}

/** Posts of different people, each with a key of its own. */
export function writeCreates(folder, name, { path: target, people, body }) {
  const lines = people.map(({ token }) => `  ${text(`Bearer ${token}`)},`);
  return write(
    folder,
    name,
    `local tokens = {
${lines.join('\n')}
}
local body = ${text(body)}
local run, at = 0, 0
init = function()
  math.randomseed(os.time())
  run = math.random(1000000000)
end
request = function()
  at = at + 1
  return wrk.format("POST", ${text(target)}, {
    ["Authorization"] = tokens[at % #tokens + 1],
    ["Content-Type"] = "application/json",
    ["Idempotency-Key"] = run .. "-" .. at,
  }, body)
end
`,
  );
}

function write(folder, name, script) {
  const file = path.join(folder, `${name}.lua`);
  writeFileSync(file, script);
  return file;
}
