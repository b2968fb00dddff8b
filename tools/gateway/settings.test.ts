import { spawnSync } from 'node:child_process';
import path from 'node:path';

/** What the settings become, or the line that refuses them. */
function settingsOf(env: Record<string, string>): unknown {
  const script = `
    import { gatewaySettings } from ${JSON.stringify(path.join(__dirname, 'settings.mjs'))};
    try { console.log(JSON.stringify(gatewaySettings(${JSON.stringify(env)}))); }
    catch (error) { console.log(JSON.stringify(error.line)); }`;
  const run = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
  return JSON.parse(run.stdout);
}

describe('the gateway’s settings', () => {
  it('are empty where the environment says nothing: the files of traefik/ hold', () => {
    expect(settingsOf({})).toEqual({ corsOrigins: [], trustedProxies: [], limits: {} });
  });

  it('are read from the environment', () => {
    expect(
      settingsOf({
        CORS_ALLOWED_ORIGINS: 'https://app.example.com, http://localhost:3000',
        GATEWAY_TRUSTED_PROXIES: '10.0.0.0/8,192.0.2.1',
        GATEWAY_RATE_PER_SECOND: '0',
        GATEWAY_SOCKETS: '20000',
        OTLP_ENDPOINT: 'http://collector:4318',
        GATEWAY_TRACING: 'true',
        TRACING_SAMPLING_RATE: '0',
      }),
    ).toEqual({
      corsOrigins: ['https://app.example.com', 'http://localhost:3000'],
      trustedProxies: ['10.0.0.0/8', '192.0.2.1'],
      limits: { ratePerSecond: 0, sockets: 20_000 },
      otlpEndpoint: 'http://collector:4318',
      samplingRate: 0,
    });
  });

  it('leave the gateway’s own spans off until they are chosen', () => {
    expect(settingsOf({ OTLP_ENDPOINT: 'http://collector:4318' })).not.toHaveProperty('otlpEndpoint');
  });

  it('are refused with every problem at once', () => {
    const line = settingsOf({
      CORS_ALLOWED_ORIGINS: '*,https://app.example.com/path',
      GATEWAY_IN_FLIGHT: '-1',
      GATEWAY_RATE_BURST: 'many',
      OTLP_ENDPOINT: 'collector',
      GATEWAY_TRACING: 'true',
      TRACING_SAMPLING_RATE: '2',
      GATEWAY_TRUSTED_PROXIES: '0.0.0.0/0,10.0.0.300,::1/64',
    });

    expect(line).toMatch(/CORS_ALLOWED_ORIGINS: "\*"/);
    expect(line).toMatch(/"https:\/\/app\.example\.com\/path"/);
    expect(line).toMatch(/GATEWAY_IN_FLIGHT: "-1"/);
    expect(line).toMatch(/GATEWAY_RATE_BURST: "many"/);
    expect(line).toMatch(/OTLP_ENDPOINT: "collector"/);
    expect(line).toMatch(/TRACING_SAMPLING_RATE: "2"/);
    expect(line).toMatch(/GATEWAY_TRUSTED_PROXIES: "0\.0\.0\.0\/0".*"10\.0\.0\.300"/);
    expect(line).not.toMatch(/::1/);
    expect(line).not.toMatch(/\n/);
  });
});

// Traefik interprets the plugin, so Go is not needed to run it; its unit tests are for where Go is.
if (spawnSync('go', ['version']).status === 0) {
  describe('the edge plugin', () => {
    it('passes its tests in Go', () => {
      const cwd = path.resolve(__dirname, '../../traefik/plugins-local/src/rostrum/edge');
      const run = spawnSync('go', ['test', './...'], {
        cwd,
        encoding: 'utf8',
        env: { ...process.env, GOFLAGS: '' },
      });

      expect([run.status, run.stdout + run.stderr]).toEqual([0, expect.stringContaining('ok')]);
    });
  });
}
