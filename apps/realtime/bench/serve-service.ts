/** The whole service, as it is deployed but for limits that one address would reach at once. */
import { readConfig } from '@rostrum/config';
import { createRealtimeService } from '../src/composition-root';
import { environment, mainSettings } from '../src/config';
import { settledRss, takeOrders } from './orders';

async function main(): Promise<void> {
  const service = createRealtimeService(readConfig(mainSettings, environment));
  const { port } = await service.start();
  takeOrders({ rss: settledRss });
  process.send?.({ port });
}

void main();
