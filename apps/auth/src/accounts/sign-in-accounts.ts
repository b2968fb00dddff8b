import { arrayLiteral, withTextArrays, type Queryable } from '@rostrum/data-access';
import { gatherCalls } from '../gathered-calls';
import type { SignInAccount, SignInFacts } from './account';
import {
  claimsInOrder,
  hasEmail,
  mostClaims,
  split,
  withPassword,
  type AccountWithPasswordRow,
  type SoughtEmail,
} from './accounts.repository';

interface SignInRow extends AccountWithPasswordRow, SignInFacts {
  /** Of who is asked for, from 1. */
  place: number;
}

/** Of nobody, every column of the account is null. */
type SignInRowOrNobody = SignInRow | (Record<keyof AccountWithPasswordRow, null> & Omit<SignInRow, 'id'>);

const nobody = `'00000000-0000-0000-0000-000000000000'::uuid`;

/**
 * With what a sign-in needs later: asked for by itself, it would be one statement more for each. Where there is nobody
 * the same is looked for, and a row without a person comes back: the time must not tell whether there is somebody.
 */
const forSignIn = (asked: string, claimants: string) => `
  select asked.place::int as place, u.*,
         (select k.sealed_key from user_keys as k where k.user_id = coalesce(u.id, ${nobody})) as "sealedKey",
         exists (select 1 from totp_secrets as t
                  where t.user_id = coalesce(u.id, ${nobody}) and t.confirmed_at is not null)
           or exists (select 1 from passkeys as k where k.user_id = coalesce(u.id, ${nobody})) as "hasSecondFactor"
    from ${asked} left join lateral (select ${withPassword} where ${claimants}) as u on true`;

const byUsername = forSignIn(
  'unnest($1::text[]) with ordinality as asked(username, place)',
  'u.username = asked.username limit 1',
);
const byEmail = forSignIn(
  'unnest($1::text[], $2::text[]) with ordinality as asked(indexes, email, place)',
  `${hasEmail('asked.indexes::bytea[]', 'asked.email')} ${claimsInOrder} limit ${mostClaims}`,
);

/** Finds those who may be the ones that sign in; those who are asked for in one turn of the event loop are one statement. */
export class SignInAccounts {
  /** Whoever has this username: one or nobody. */
  readonly findByUsername: (username: string) => Promise<SignInAccount[]>;
  /** Everybody who claims the address, in their order. */
  readonly findByEmail: (email: SoughtEmail) => Promise<SignInAccount[]>;
  private readonly db: Pick<Queryable, 'query'>;

  constructor(db: Pick<Queryable, 'query'>) {
    this.db = withTextArrays(db);
    this.findByUsername = gatherCalls({
      all: (usernames) => this.find('find_sign_ins_by_username', byUsername, [usernames]),
    });
    this.findByEmail = gatherCalls({
      all: (sought) => {
        const indexes = sought.map((each) => arrayLiteral(each.indexes.map(inHex)));
        return this.find('find_sign_ins_by_email', byEmail, [indexes, sought.map(({ email }) => email)]);
      },
    });
  }

  private async find(
    name: string,
    text: string,
    columns: [readonly string[], ...(readonly string[])[]],
  ): Promise<SignInAccount[][]> {
    const { rows } = await this.db.query<SignInRowOrNobody>(name, text, columns);
    const found: SignInAccount[][] = columns[0].map(() => []);
    for (const row of rows) if (isSomebody(row)) found[row.place - 1]?.push(withFacts(row));
    return found;
  }
}

function inHex(bytes: Buffer): string {
  return `\\x${bytes.toString('hex')}`;
}

function withFacts({ place: _, sealedKey, hasSecondFactor, ...row }: SignInRow): SignInAccount {
  return { ...split(row), facts: { sealedKey, hasSecondFactor } };
}

function isSomebody(row: SignInRowOrNobody): row is SignInRow {
  return row.id !== null;
}
