import type {
  Config,
  loggingSettings,
  portSettings,
  serviceSettings,
  shutdownSettings,
  tracingSettings,
} from '@rostrum/config';
import type { ServiceName } from '@rostrum/contracts';
import {
  createLogger,
  createMetrics,
  startTracing,
  type Metrics,
  type RostrumLogger,
  type Tracing,
} from '@rostrum/observability';
import { Breakers } from '../wiring/breakers';
import type { opsSettings } from './settings';
import { measureTelemetry } from './telemetry-metrics';

/** The part of a configuration that every process has. */
export type KitConfig = Config<
  typeof serviceSettings &
    typeof loggingSettings &
    typeof tracingSettings &
    typeof shutdownSettings &
    typeof opsSettings &
    ReturnType<typeof portSettings>
>;

/** What tests put in place of the real thing. */
export interface KitOverrides {
  logger?: RostrumLogger;
  tracing?: Tracing;
}

/** The three eyes of a process: what it does can be read in logs, counted in metrics and followed in traces. */
export interface Kit {
  service: ServiceName;
  role: 'main' | 'worker';
  config: KitConfig;
  logger: RostrumLogger;
  metrics: Metrics;
  tracing: Tracing;
  /** Those of everything that the process calls. */
  breakers: Breakers;
}

export interface KitIdentity {
  service: ServiceName;
  role: 'main' | 'worker';
}

export function createKit(identity: KitIdentity, config: KitConfig, overrides: KitOverrides = {}): Kit {
  const { service, role } = identity;
  const about = {
    service: role === 'main' ? service : `${service}-worker`,
    version: config.serviceVersion,
    environment: config.environment,
  };
  const metrics = createMetrics({ service: about.service });
  const logger =
    overrides.logger ??
    createLogger({
      ...about,
      level: config.logLevel,
      format: config.logFormat,
      output: config.logOutput,
      sampleFirst: config.logSampleFirst,
      sampleEvery: config.logSampleEvery,
    });
  const tracing =
    overrides.tracing ??
    startTracing({
      ...about,
      enabled: config.tracingEnabled,
      otlpEndpoint: config.otlpEndpoint && new URL('/v1/traces', config.otlpEndpoint).href,
      samplingRate: config.tracingSamplingRate,
    });
  measureTelemetry(metrics, logger, tracing);
  return {
    service,
    role,
    config,
    metrics,
    logger,
    tracing,
    breakers: new Breakers(logger, metrics, config),
  };
}
