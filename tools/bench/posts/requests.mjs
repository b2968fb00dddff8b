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

/**
 * Posts in an order as if drawn by lot, by each of the people in turn. None comes twice until all have come, if their
 * number is no multiple of the step; a run that begins later begins where no earlier one can have come to.
 */
export function writeUnreadReads(folder, name, { people, posts, firstAt }) {
  return write(
    folder,
    name,
    `${tokenTable(people)}
local at, turn
init = function()
  at, turn = os.time() % 1000 * 40000 % ${posts} * 611953 % ${posts}, 0
end
request = function()
  at = (at + 611953) % ${posts}
  turn = turn % #tokens + 1
  local time = ${firstAt} + (at + 1) * 1000
  local high = string.format("%06x%06x", math.floor(time / 16777216), time % 16777216)
  local id = high:sub(1, 8) .. "-" .. high:sub(9) .. "-7000-8000-" .. string.format("%012x", at + 1)
  return wrk.format("GET", "/api/v1/posts/" .. id, {["Authorization"] = tokens[turn]})
end
`,
  );
}

const tokenTable = (people) =>
  `local tokens = {\n${people.map(({ token }) => `  ${text(`Bearer ${token}`)},`).join('\n')}\n}`;

/** Posts of different people, each with a key of its own. */
export function writeCreates(folder, name, { path: target, people, body }) {
  return write(
    folder,
    name,
    `${tokenTable(people)}
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
