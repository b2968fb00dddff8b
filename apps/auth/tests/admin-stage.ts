import { AuthApp, type Answer, type Person } from './auth-app';

export const users = '/api/v1/auth/admin/users';

export interface EventRow {
  action: string;
  result: string;
  actor_id: string;
  subject_id: string;
  body: string;
}

/** The service with an admin who is signed in. */
export class AdminStage {
  private constructor(
    readonly app: AuthApp,
    readonly root: Person,
  ) {}

  static async open(): Promise<AdminStage> {
    const app = await AuthApp.start({ settings: { JWKS_MAX_AGE: '1' } });
    const stage = new AdminStage(app, await app.person());
    await stage.makeAdmin(stage.root);
    await stage.signIn();
    return stage;
  }

  /** The admin's token. */
  token = '';

  async signIn(): Promise<void> {
    this.token = await this.app.tokenOf(this.root);
  }

  /** As the first admin is made, by somebody who works on the database. */
  async makeAdmin({ id }: Person): Promise<void> {
    await this.app.rows(`update auth.users set roles = '{user,admin}' where id = $1`, [id]);
  }

  suspend(id: string, token = this.token): Promise<Answer> {
    return this.app.post(`${users}/${id}/suspend`, { reason: 'spam' }, { token });
  }

  me(token: string): Promise<Answer> {
    return this.app.get('/api/v1/auth/me', { token });
  }

  eventsAbout(id: string): Promise<EventRow[]> {
    return this.app.rows<EventRow>(
      'select * from auth.audit_events where subject_id = $1 order by occurred_at desc, seq desc',
      [id],
    );
  }
}

export const codes = ({ status, json }: Answer) => [status, json?.code];
