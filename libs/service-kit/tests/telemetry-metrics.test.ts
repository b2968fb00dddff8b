import { readConfig } from '@rostrum/config';
import { recordingLogger } from '@rostrum/testing';
import { createKit, type Kit } from '../src/index';
import { kitSpec, testEnvironment } from './test-service';

async function valueOf(kit: Kit, series: RegExp): Promise<number> {
  const line = (await kit.metrics.render()).body.split('\n').find((each) => series.test(each));
  return Number(line?.split(' ').at(-1));
}

it('what telemetry has lost can be read from metrics, however often it is read', async () => {
  const log = recordingLogger();
  const config = readConfig(kitSpec, { ...testEnvironment, TRACING_ENABLED: 'true' });
  const kit = createKit({ service: 'posts', role: 'main' }, config, { logger: log.logger });
  expect(await valueOf(kit, /^log_lines_dropped_total/)).toBe(0);
  expect(await valueOf(kit, /^tracing_spans_total.*outcome="ended"/)).toBe(0);

  const context = kit.tracing.begin(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, 'request');
  kit.tracing.endServerSpan(kit.tracing.startServerSpan(context, 'GET'), { status: 200 });
  await kit.tracing.shutdown();
  await log.close();
  kit.logger.info('nobody will read this');
  kit.logger.info('nor this');

  for (let scrapes = 0; scrapes < 3; scrapes += 1) {
    expect(await valueOf(kit, /^log_lines_dropped_total/)).toBe(2);
    expect(await valueOf(kit, /^tracing_spans_total.*outcome="ended"/)).toBe(1);
    expect(await valueOf(kit, /^tracing_spans_total.*outcome="exported"/)).toBe(1);
    expect(await valueOf(kit, /^tracing_spans_total.*outcome="failed"/)).toBe(0);
  }
  kit.metrics.close();
});
