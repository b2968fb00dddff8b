import type { z } from 'zod';

export interface SettingOptions {
  /** The environment variable; `${env}_FILE` is read instead where that is set. */
  env: string;
  doc: string;
  secret?: boolean;
}

export interface Setting<Schema extends z.ZodType = z.ZodType> extends SettingOptions {
  schema: Schema;
}

export type ConfigSpec = Record<string, Setting>;

export type Config<Spec extends ConfigSpec> = { readonly [Key in keyof Spec]: z.output<Spec[Key]['schema']> };

/** One value of the configuration: where it comes from, what it must look like, what it is for. */
export function setting<Schema extends z.ZodType>(schema: Schema, options: SettingOptions): Setting<Schema> {
  return { schema, ...options };
}
