import { spawn, type ChildProcessByStdio } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { Redis } from 'ioredis';

export interface RedisMember {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** Redis servers that belong together; any of them can be frozen, killed and brought back. */
export interface RedisGroup {
  readonly members: readonly RedisMember[];
  /** Freezes it: connections stay, nothing is answered. */
  pause(member: RedisMember): Promise<void>;
  resume(member: RedisMember): Promise<void>;
  /** Ends it without a chance to tidy up. */
  kill(member: RedisMember): Promise<void>;
  /** Brings it back after `kill`, at the same address and without its data. */
  start(member: RedisMember): Promise<void>;
  /** Ends all of them, frozen or not. */
  stop(): Promise<void>;
}

/** A master, two replicas and three sentinels, which take a master for dead after two seconds. */
export interface RedisSentinelSet extends RedisGroup {
  readonly masterName: string;
  readonly sentinels: readonly RedisMember[];
  /** Whom the sentinels name at present. */
  master(): Promise<RedisMember>;
}

export async function startRedisSentinel(): Promise<RedisSentinelSet> {
  const keeper = await Keeper.start('sentinel');
  const sentinels = keeper.members.filter(({ name }) => name.startsWith('sentinel'));
  return {
    ...keeper.group(),
    masterName: keeper.masterName,
    sentinels,
    master: async () => {
      const port = await portOfMaster(sentinels, keeper.masterName);
      const master = keeper.members.find((member) => member.port === port);
      if (!master) throw new Error(`The sentinels name a stranger, at port ${port}`);
      return master;
    },
  };
}

/** Three masters, each with a third of the slots, and no replicas. */
export async function startRedisCluster(): Promise<RedisGroup> {
  return (await Keeper.start('cluster')).group();
}

async function portOfMaster(sentinels: readonly RedisMember[], masterName: string): Promise<number> {
  for (const { host, port } of sentinels) {
    const client = new Redis({
      host,
      port,
      enableReadyCheck: false,
      retryStrategy: null,
      commandTimeout: 500,
    });
    client.on('error', () => undefined);
    try {
      const [, found] = (await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName)) as string[];
      return Number(found);
    } catch {
      // A sentinel may be frozen as well: the next one knows too.
    } finally {
      client.disconnect();
    }
  }
  throw new Error('No sentinel answers');
}

interface Answer {
  error?: string;
  masterName?: string;
  members?: RedisMember[];
}

/** The process that holds the servers: one line there, one line back. */
class Keeper {
  private complaints = '';
  private readonly lines: AsyncIterator<string>;
  private readonly exit: Promise<unknown>;
  private turn: Promise<unknown> = Promise.resolve();
  members: readonly RedisMember[] = [];
  masterName = '';

  private constructor(private readonly child: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.exit = new Promise((resolve) => child.once('exit', resolve));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (this.complaints += chunk));
    child.stdin.on('error', () => undefined);
  }

  static async start(kind: 'sentinel' | 'cluster'): Promise<Keeper> {
    const script = path.join(__dirname, 'redis-group-keeper.mjs');
    const keeper = new Keeper(spawn(process.execPath, [script, kind], { stdio: ['pipe', 'pipe', 'pipe'] }));
    const { members = [], masterName = '' } = await keeper.answer();
    keeper.members = members;
    keeper.masterName = masterName;
    return keeper;
  }

  group(): RedisGroup {
    const telling = (verb: string) => (member: RedisMember) => this.tell(`${verb} ${member.name}`);
    return {
      members: this.members.filter(({ name }) => name.startsWith('redis')),
      pause: telling('pause'),
      resume: telling('resume'),
      kill: telling('kill'),
      start: telling('start'),
      stop: async () => {
        this.child.stdin.end();
        await this.exit;
      },
    };
  }

  /** One after another, so that every answer goes to whoever asked. */
  private tell(line: string): Promise<void> {
    const told = this.turn.then(async () => {
      this.child.stdin.write(`${line}\n`);
      await this.answer();
    });
    this.turn = told.catch(() => undefined);
    return told;
  }

  private async answer(): Promise<Answer> {
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`The test's own servers are gone: ${this.complaints.trim()}`);
    const answer = JSON.parse(value) as Answer;
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }
}
