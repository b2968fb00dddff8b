/** The whole service, as it is deployed but for limits that one address would reach at once. */
import { readConfig } from '@rostrum/config';
import { createRealtimeService } from '../src/composition-root';
import { environment, mainSettings } from '../src/config';
import { memoryOrders, takeOrders } from './orders';

async function main(): Promise<void> {
  const service = createRealtimeService(readConfig(mainSettings, environment));
  const { port, opsPort } = await service.start();
  takeOrders({
    ...memoryOrders,
    end: async () => {
      await service.stop('a new version');
      setImmediate(() => process.exit());
    },
  });
  process.send?.({ port, opsPort });
}

void main();
