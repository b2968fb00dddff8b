import type { Knex } from 'knex';

/**
 * A later checkpoint vouches for all that an earlier one does, so that old ones may go with the events that they are
 * about. The service still cannot remove any: only the owner of the tables can.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    drop trigger unchangeable on audit_checkpoints;
    create trigger unchangeable before update or truncate on audit_checkpoints
      for each statement execute function audit_refuse_change();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop trigger unchangeable on audit_checkpoints;
    create trigger unchangeable before update or delete or truncate on audit_checkpoints
      for each statement execute function audit_refuse_change();
  `);
}
