import { ConfigError, eventSettings, readConfig, redisSettings, type Environment } from '@rostrum/config';
import { streams, type ServiceName } from '@rostrum/contracts';
import {
  closeRedis,
  createNatsBus,
  createRedis,
  createRedisBus,
  type DeadLetter,
  type DeadLetters,
  type EventBus,
} from '@rostrum/data-access';
import { tableOf } from './letters-table';

export interface DeadLettersCommand {
  verb: 'list' | 'show' | 'replay' | 'discard';
  service: ServiceName;
  from?: ServiceName;
  id: string[];
  all: boolean;
  type?: string;
  limit: number;
  json: boolean;
}

export interface Surroundings {
  environment: Environment;
  say: (line: string) => void;
  audit: (entry: Record<string, unknown>) => void;
}

/** A letter and the stream that it is of. */
export interface FoundLetter {
  from: ServiceName;
  letters: DeadLetters;
  letter: DeadLetter;
}

const failed = 1;
const notFound = 2;
const page = 200;

/** Resolves to the exit code. */
export async function runDeadLettersCommand(
  command: DeadLettersCommand,
  around: Surroundings,
): Promise<number> {
  let bus: { bus: EventBus; close: () => Promise<void> };
  try {
    bus = openBus(around.environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    around.say(error.message);
    return failed;
  }
  try {
    await bus.bus.ping();
    return await perform(command, { ...around, bus: bus.bus });
  } catch (error) {
    around.say(`The event bus does not answer: ${error instanceof Error ? error.message : String(error)}`);
    return failed;
  } finally {
    await bus.close();
  }
}

function openBus(environment: Environment) {
  const { eventBusConnection: connection } = readConfig(eventSettings, environment);
  if (connection.kind === 'nats') {
    const { kind: _kind, ...servers } = connection;
    const bus = createNatsBus({ ...servers, name: 'rostrum-dead-letters' });
    return { bus, close: () => bus.close() };
  }
  const { redis: where } = readConfig(redisSettings, environment);
  const redis = createRedis({
    ...where,
    connectionName: 'rostrum-dead-letters',
    commandTimeoutMs: 5_000,
  });
  return { bus: createRedisBus({ redis }), close: () => closeRedis(redis) };
}

interface Workplace extends Surroundings {
  bus: EventBus;
}

function perform(command: DeadLettersCommand, place: Workplace): Promise<number> {
  if (command.verb === 'list') return list(command, place);
  if (command.verb === 'show') return show(command, place);
  return change(command.verb, command, place);
}

async function list(command: DeadLettersCommand, place: Workplace): Promise<number> {
  const found = await allLetters(command, place.bus);
  const shown = found.slice(0, command.limit);
  if (command.json) place.say(JSON.stringify(shown.map(toJson), null, 2));
  else if (found.length === 0) place.say(`${command.service} has no dead letters.`);
  else {
    tableOf(shown).forEach(place.say);
    place.say(`\n${shown.length} of ${found.length} dead letters of ${command.service}`);
  }
  return 0;
}

async function show(command: DeadLettersCommand, place: Workplace): Promise<number> {
  const found = await named(command, place);
  for (const each of found) place.say(JSON.stringify(toJson(each), null, 2));
  return found.length === command.id.length ? 0 : notFound;
}

async function change(
  verb: 'replay' | 'discard',
  command: DeadLettersCommand,
  place: Workplace,
): Promise<number> {
  const found = command.all ? await allLetters(command, place.bus) : await named(command, place);
  let done = 0;
  for (const { from, letters, letter } of found) {
    // Somebody else may have been quicker.
    if (!(await letters[verb](letter.id))) continue;
    done += 1;
    place.audit({
      message: `Dead letter: ${verb}`,
      ...{ service: command.service, from, dead_letter: letter.id },
      ...{ event_id: letter.event?.id, event_type: letter.event?.type, reason: letter.reason },
    });
  }
  place.say(`${done} ${verb === 'replay' ? 'replayed' : 'discarded'}`);
  return done === found.length && (command.all || found.length === command.id.length) ? 0 : notFound;
}

function sources({ from }: DeadLettersCommand): ServiceName[] {
  return from ? [from] : (Object.keys(streams) as ServiceName[]);
}

async function allLetters(command: DeadLettersCommand, bus: EventBus): Promise<FoundLetter[]> {
  const found: FoundLetter[] = [];
  for (const from of sources(command)) {
    const letters = bus.deadLetters(streams[from], command.service);
    for (let after: string | undefined; ;) {
      const some = await letters.list({ after, limit: page });
      found.push(...some.map((letter) => ({ from, letters, letter })));
      after = some.at(-1)?.id;
      if (some.length < page) break;
    }
  }
  return found.filter(({ letter }) => command.type === undefined || letter.event?.type === command.type);
}

/** Those that were asked for; says which are not there. */
async function named(command: DeadLettersCommand, place: Workplace): Promise<FoundLetter[]> {
  const found: FoundLetter[] = [];
  for (const id of command.id) {
    const places = await Promise.all(
      sources(command).map(async (from) => {
        const letters = place.bus.deadLetters(streams[from], command.service);
        const letter = await letters.get(id);
        return letter ? [{ from, letters, letter }] : [];
      }),
    );
    const [first, ...more] = places.flat();
    if (!first) place.say(`${command.service} has no dead letter ${id}.`);
    else if (more.length > 0) place.say(`${id} is in more than one stream: say --from.`);
    else found.push(first);
  }
  return found;
}

function toJson({ from, letter }: FoundLetter) {
  return { from, ...letter };
}
