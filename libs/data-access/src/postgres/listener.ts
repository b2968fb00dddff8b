import { Client, type ClientConfig } from 'pg';

export interface ListenOptions {
  /** Undefined where no session of its own can be had. */
  client: ClientConfig | undefined;
  applicationName: string;
  channel: string;
  onNotification: (payload: string) => void;
}

export interface Listener {
  stop(): Promise<void>;
}

const retryMs = 1_000;
const checkMs = 30_000;
const pollMs = 1_000;

/**
 * Hears a channel over a connection of its own and makes a new one whenever that is lost. Notifications sent in
 * between are lost, so a new connection counts as one.
 */
export function listen(options: ListenOptions): Listener {
  return options.client ? listenOver(options.client, options) : callRegularly(options);
}

function callRegularly({ onNotification }: ListenOptions): Listener {
  const timer = setInterval(onNotification, pollMs, '');
  return {
    stop: () => {
      clearInterval(timer);
      return Promise.resolve();
    },
  };
}

function listenOver(
  config: ClientConfig,
  { applicationName, channel, onNotification }: ListenOptions,
): Listener {
  let client: Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const later = (work: () => Promise<void>, ms: number) => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(() => void work(), ms);
  };
  const connect = async (): Promise<void> => {
    const next = createClient(config, applicationName);
    client = next;
    next.on('error', () => undefined);
    next.on('end', () => later(connect, retryMs));
    next.on('notification', ({ payload }) => onNotification(payload ?? ''));
    try {
      await next.connect();
      await next.query(`listen ${next.escapeIdentifier(channel)}`);
      onNotification('');
      later(check, checkMs);
    } catch {
      void next.end().catch(() => undefined);
      later(connect, retryMs);
    }
  };
  // A connection that died without a word would stay silent for ever.
  const check = async (): Promise<void> => {
    try {
      await client?.query('select 1');
      later(check, checkMs);
    } catch {
      void client?.end().catch(() => undefined);
      later(connect, retryMs);
    }
  };
  void connect();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}

function createClient(config: ClientConfig, applicationName: string): Client {
  return new Client({
    ...config,
    application_name: `${applicationName} listener`,
    connectionTimeoutMillis: 2_000,
    query_timeout: 2_000,
    keepAlive: true,
  });
}
