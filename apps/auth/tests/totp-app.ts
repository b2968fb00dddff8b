import { generateSync } from 'otplib';
import type { AuthApp, Person } from './auth-app';

const stepSeconds = 30;

/** The code that an authenticator app shows, so many half-minutes from now. */
export function codeOf(secret: string, stepsFromNow = 0): string {
  return generateSync({ secret, epoch: Math.floor(Date.now() / 1000) + stepsFromNow * stepSeconds });
}

/** Somebody who has an authenticator app. */
export interface Guarded {
  person: Person;
  secret: string;
  recoveryCodes: string[];
  token: string;
}

export async function withTotp(app: AuthApp, person: Person): Promise<Guarded> {
  const token = await app.tokenOf(person);
  const { password } = person;
  const { json, status } = await app.post('/api/v1/auth/mfa/totp', { password }, { token });
  expect(status).toBe(201);
  const code = codeOf(json.secret);
  const confirmed = await app.post('/api/v1/auth/mfa/totp/confirm', { code }, { token });
  expect(confirmed.status).toBe(200);
  // The code of this half-minute is free again: no test waits for the next one.
  await app.rows('update auth.totp_secrets set last_step = 0 where user_id = $1', [person.id]);
  return { person, secret: json.secret, recoveryCodes: confirmed.json.recoveryCodes, token };
}

/** The question that a sign-in with the password ends in. */
export async function challengeOf(
  app: AuthApp,
  { person }: Pick<Guarded, 'person'>,
  query = '',
): Promise<string> {
  const { username: identifier, password } = person;
  const { status, json } = await app.post(`/api/v1/auth/login${query}`, { identifier, password });
  expect([status, json.mfaRequired]).toEqual([200, true]);
  return json.mfaToken;
}
