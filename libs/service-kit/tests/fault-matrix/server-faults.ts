import type { FaultProxy, OwnServer } from '@rostrum/testing';
import type { Fault, Hurting } from './fault-matrix';

/** Each fault of a server that is reached through a proxy. */
export function faultsOf(server: OwnServer, proxy: FaultProxy): Record<Fault, Hurting> {
  const heal = () => proxy.heal();
  return {
    refused: { hurt: () => proxy.refuse(), heal },
    killed: { hurt: () => server.kill(), heal: () => server.restart() },
    paused: { hurt: () => server.pause(), heal: () => server.resume() },
    slow: { hurt: () => proxy.delay(2_000, 'toClient'), heal },
    reset: { hurt: () => proxy.resetMidReply(), during: () => proxy.resetMidReply(), heal },
    halfOpen: { hurt: () => proxy.halfOpen(), heal },
  };
}
