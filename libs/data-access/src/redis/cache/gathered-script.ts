import { slotOf } from '../key-slot';
import type { Redis } from '../redis';
import { sendingTurn, type SendingTurn } from '../sending-turn';
import { runOnKeys, type Script } from './cache-scripts';

type Argument = string | number | Buffer;

interface Asked {
  key: string;
  args: readonly Argument[];
  resolve: (reply: unknown) => void;
  reject: (error: unknown) => void;
}

/** Redis does nothing else meanwhile. */
const keysInScript = 100;

/**
 * A script that takes any number of keys, so many arguments for each of them, and has a reply for each: what is asked
 * of it in one turn of the event loop is one call, in a cluster one for each slot. A command of its own for each key
 * costs a process more than all else that Redis is asked for a value that has to be loaded.
 */
export class GatheredScript {
  private gathered: Asked[] = [];
  private readonly turn: SendingTurn;

  constructor(
    private readonly redis: Redis,
    private readonly script: Script,
  ) {
    this.turn = sendingTurn(redis);
  }

  /** Resolves to the reply for this key. */
  ask(key: string, args: readonly Argument[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.gathered.length === 0) this.turn.atEnd(this.send);
      this.gathered.push({ key, args, resolve, reject });
    });
  }

  private readonly send = (): void => {
    const { gathered } = this;
    this.gathered = [];
    for (const group of this.redis.isCluster ? bySlot(gathered) : [gathered]) {
      for (let start = 0; start < group.length; start += keysInScript)
        void this.run(group.slice(start, start + keysInScript));
    }
  };

  private async run(asked: readonly Asked[]): Promise<void> {
    const keys = asked.map(({ key }) => key);
    const args = asked.flatMap((each) => each.args);
    try {
      const replies = (await runOnKeys(this.redis, this.script, { keys, args })) as unknown[];
      for (const [index, { resolve }] of asked.entries()) resolve(replies[index]);
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }
}

function bySlot(asked: readonly Asked[]): Asked[][] {
  const groups = new Map<number, Asked[]>();
  for (const each of asked) {
    const slot = slotOf(each.key);
    const group = groups.get(slot);
    if (group) group.push(each);
    else groups.set(slot, [each]);
  }
  return [...groups.values()];
}
