import { isUniqueViolation, mapViolation } from '../src';
import { describeRoutes } from './routes';

describeRoutes('transactions of PostgreSQL, reached %s:', (on) => {
  const add = 'insert into things (name) values ($1)';

  describe('transaction', () => {
    it('keeps everything or nothing', async () => {
      const database = on.route.open();
      const failure = database.transaction(async (trx) => {
        await trx.query('things.add', add, ['a']);
        throw new Error('changed my mind');
      });
      await expect(failure).rejects.toThrow('changed my mind');
      const value = await database.transaction(async (trx) => {
        await trx.query('things.add', add, ['b']);
        return 'done';
      });
      expect(value).toBe('done');
      expect((await database.query('list', 'select name from things')).rows).toEqual([{ name: 'b' }]);
    });

    it('does what follows a commit after it, in order, and never without it', async () => {
      const database = on.route.open();
      const order: string[] = [];
      const seen = async () => {
        const { rows } = await database.query('list', 'select name from things');
        order.push(`sees ${rows.length}`);
      };
      await database.transaction(async (trx) => {
        trx.onCommit(seen);
        trx.onCommit(() => order.push('second'));
        await trx.query('things.add', add, ['a']);
        order.push('work');
      });
      const failing = database.transaction(async (trx) => {
        trx.onCommit(() => order.push('never'));
        await trx.query('things.add', add, ['a']);
      });
      await expect(failing).rejects.toMatchObject({ code: '23505' });
      expect(order).toEqual(['work', 'sees 1', 'second']);
    });

    it('stands, and tells, when what follows it fails', async () => {
      const onCommitActionError = jest.fn();
      const after = jest.fn();
      const database = on.route.open({ hooks: { onCommitActionError } });
      await database.transaction(async (trx) => {
        trx.onCommit(() => Promise.reject(new Error('no')));
        trx.onCommit(after);
        await trx.query('things.add', add, ['a']);
      });
      expect(onCommitActionError).toHaveBeenCalledWith(new Error('no'));
      expect(after).toHaveBeenCalledTimes(1);
    });

    it('does not pass for committed when a failed statement was ignored', async () => {
      const database = on.route.open();
      const work = database.transaction(async (trx) => {
        await trx.query('things.add', add, ['a']);
        await trx.query('things.add', add, ['a']).catch(() => undefined);
      });
      await expect(work).rejects.toMatchObject({ code: 'TRANSACTION_ROLLED_BACK' });
      expect((await database.query('list', 'select name from things')).rows).toEqual([]);
    });

    it('shows the error that ended it, not the one of undoing it', async () => {
      const database = on.route.open({ max: 1 });
      const work = database.transaction(async (trx) => {
        await trx.query('kill', 'select pg_terminate_backend(pg_backend_pid())').catch(() => undefined);
        throw new Error('the cause');
      });
      await expect(work).rejects.toThrow('the cause');
      expect((await database.query('one', 'select 1 as one')).rows).toEqual([{ one: 1 }]);
    });

    it('refuses statements that come after its end', async () => {
      const database = on.route.open();
      let leaked: (() => Promise<unknown>) | undefined;
      await database.transaction(async (trx) => {
        leaked = () => trx.query('things.add', add, ['late']);
        await trx.query('one', 'select 1');
      });
      await expect(leaked?.()).rejects.toThrow(/was over before "things.add"/);
    });

    it('has the limit of statements on the server too', async () => {
      const database = on.route.open({ queryTimeoutMs: 7_000 });
      const limit = await database.transaction((trx) => trx.query('limit', 'show statement_timeout'));
      expect(limit.rows).toEqual([{ statement_timeout: '7s' }]);
    });

    it('can be read only, or stricter', async () => {
      const database = on.route.open();
      const write = database.transaction((trx) => trx.query('things.add', add, ['a']), { readOnly: true });
      await expect(write).rejects.toMatchObject({ code: '25006' });
      const level = await database.transaction((trx) => trx.query('level', 'show transaction_isolation'), {
        isolation: 'serializable',
      });
      expect(level.rows).toEqual([{ transaction_isolation: 'serializable' }]);
    });
  });

  describe('violations', () => {
    it('become the errors of the domain', async () => {
      const database = on.route.open();
      await database.query('things.add', add, ['a']);
      const error: unknown = await database
        .query('things.add', add, ['a'])
        .catch((reason: unknown) => reason);
      expect(isUniqueViolation(error)).toBe(true);
      expect(isUniqueViolation(error, 'things_name_key')).toBe(true);
      expect(isUniqueViolation(error, 'another')).toBe(false);
      expect(mapViolation(error, { things_name_key: () => new Error('name taken') })).toEqual(
        new Error('name taken'),
      );
      expect(mapViolation(error, { another: () => new Error('no') })).toBe(error);
      expect(mapViolation(new Error('x'), { things_name_key: () => new Error('no') })).toEqual(
        new Error('x'),
      );
    });
  });
});
