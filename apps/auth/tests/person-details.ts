import { randomUUID } from 'node:crypto';

export interface Details {
  email: string;
  username: string;
  password: string;
}

export interface Person extends Details {
  id: string;
}

/** Details that nobody has used before. */
export function newDetails(): Details {
  const username = `ada_${randomUUID().slice(0, 13).replace('-', '_')}`;
  return { email: `${username}@example.com`, username, password: `correct horse ${username}` };
}
