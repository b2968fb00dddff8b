import { spawnSync } from 'node:child_process';
import path from 'node:path';

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(__dirname, 'main.mjs'), ...args],
    {
      encoding: 'utf8',
    },
  );
  return { code: status, stdout, stderr };
}

it.each(['keys', 'audit', 'admin'])('npm run %s says what it can do', (group) => {
  expect(run(group)).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining(`${group} `) });
});

it('knows nothing else', () => {
  expect(run('passwords', 'list')).toMatchObject({ code: 1, stdout: '' });
});

it('works with another system by its own settings', () => {
  const answer = spawnSync(process.execPath, [path.join(__dirname, 'main.mjs'), 'keys', 'list'], {
    encoding: 'utf8',
    env: {
      ...process.env,
      DATABASE_URL: 'postgres://auth:hunter2@127.0.0.1:1/rostrum',
      AUTH_SECRET: 'short',
    },
  });
  expect(answer).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/AUTH_SECRET .*\n.*KMS_PROVIDER=local needs/s),
  });
  expect(answer.stdout).not.toContain('hunter2');
});
