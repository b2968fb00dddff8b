import { settingsOf, type Config, type ConfigSpec } from './setting';

/** One `NAME=value` line per setting, without secrets: a secret only says whether it is there. */
export function describeConfig<Spec extends ConfigSpec>(spec: Spec, config: Config<Spec>): string[] {
  return settingsOf(spec).map(([key, setting]) => {
    const value = config[key];
    if (setting.secret) return `${setting.env}=${value === undefined ? '(not set)' : '(secret)'}`;
    return `${setting.env}=${value === undefined ? '(not set)' : display(value)}`;
  });
}

/** What `--help` says of the configuration. */
export function documentConfig(spec: ConfigSpec): string[] {
  return settingsOf(spec).map(([, setting]) => {
    const optional = setting.schema.safeParse(undefined);
    const rule = optional.success ? `default ${display(optional.data)}` : 'required';
    return `${setting.env}  ${setting.doc} (${rule}${setting.secret ? ', secret' : ''})`;
  });
}

function display(value: unknown): string {
  if (value === undefined) return 'none';
  if (Array.isArray(value)) return value.map((item) => withoutPassword(String(item))).join(',');
  return withoutPassword(String(value));
}

/** A URL may carry a password even in a setting that is not a secret. */
function withoutPassword(text: string): string {
  return text.replace(/(\/\/[^:@/\s]*:)[^@/\s]*@/g, '$1…@');
}
