/** An instance in a process of its own, which can be killed; whoever has started it is its network. */
import type { Subscriber } from '../../src/live/membership';
import type { Reply, Request } from './instance-messages';
import { LivePart } from './live-part';

const connections = new Map<number, { subscriber: Subscriber; end: () => void }>();
let part: LivePart;

const say = (reply: Reply) => void process.send?.(reply);

async function take(request: Request): Promise<void> {
  if (request.do === 'start') {
    part = await LivePart.start(request.redisUrl, request.settings);
    say({ what: 'started' });
  } else if (request.do === 'admit') {
    admit(request);
  } else {
    const { connection } = request;
    const { subscriber, end } = connections.get(connection) ?? {};
    if (!subscriber || !end) throw new Error(`Nobody is connected as ${connection}`);
    if (request.do === 'join') await join(subscriber, request);
    else if (request.do === 'leave') leave(subscriber, request.channel);
    else end();
  }
}

function admit({ connection, user }: Extract<Request, { do: 'admit' }>): void {
  let isOpen = true;
  const subscriber: Subscriber = {
    user,
    get isOpen() {
      return isOpen;
    },
    send: ({ text }) => say({ what: 'frame', connection, text: text.toString() }),
    whenTaken: () => new Promise((resolve) => setImmediate(resolve)),
  };
  const end = () => {
    isOpen = false;
    connections.delete(connection);
    part.subscriptions.leaveAll(subscriber);
  };
  connections.set(connection, { subscriber, end });
}

async function join(subscriber: Subscriber, request: Extract<Request, { do: 'join' }>): Promise<void> {
  const { connection, channel, since, attempt } = request;
  const answer = (what: 'joined' | 'refused') => say({ what, connection, channel, attempt });
  await part.subscriptions.join(subscriber, { channel, since, replyTo: attempt }).then(
    () => answer('joined'),
    () => answer('refused'),
  );
}

function leave(subscriber: Subscriber, channel: string): void {
  try {
    part.subscriptions.leave(part.subscriptions.membershipOf(subscriber, channel));
  } catch {
    // It had not got so far.
  }
}

process.on('message', (request) => void take(request as Request));
process.on('disconnect', () => process.exit());
