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

/** What follows from several settings together, and is wrong when they do not go together. */
export interface Derived<Value = unknown> {
  /** The settings that it looks at. While one of them is wrong itself, nothing is derived. */
  from: readonly string[];
  /** Throws an error whose message says what does not go together. */
  derive: (values: Readonly<Record<string, unknown>>) => Value;
}

export type ConfigSpec = Record<string, Setting | Derived>;

export type Config<Spec extends ConfigSpec> = {
  readonly [Key in keyof Spec]: Spec[Key] extends Setting<infer Schema>
    ? z.output<Schema>
    : Spec[Key] extends Derived<infer Value>
      ? Value
      : never;
};

/** One value of the configuration: where it comes from, what it must look like, what it is for. */
export function setting<Schema extends z.ZodType>(schema: Schema, options: SettingOptions): Setting<Schema> {
  return { schema, ...options };
}

/** A value that is made of those settings of the same group, by their keys. */
export function derived<Group extends Record<string, Setting>, Value>(
  group: Group,
  derive: (values: Config<Group>) => Value,
): Derived<Value> {
  // The group's own keys are all that it is given, and they have been read by then.
  return { from: Object.keys(group), derive: (values) => derive(values as Config<Group>) };
}

export function isSetting(entry: Setting | Derived): entry is Setting {
  return 'schema' in entry;
}

/** The settings that come from the environment, by their keys. */
export function settingsOf(spec: ConfigSpec): [key: string, setting: Setting][] {
  return Object.entries(spec).filter((entry): entry is [string, Setting] => isSetting(entry[1]));
}
