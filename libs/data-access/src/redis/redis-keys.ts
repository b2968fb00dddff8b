export interface RedisKeys {
  /** `posts:a:b` */
  key(...parts: (string | number)[]): string;
  /** `posts:{group}:a`: in a cluster, all keys of the group are in one slot, so that one command can have several. */
  together(group: string, ...parts: (string | number)[]): string;
  /** What the keys of a cache begin with. Another version of what is cached has other keys. */
  cachePrefix(name: string, version: number): string;
}

/** The names of a service's keys. No service has keys that begin with another's name. */
export function redisKeys(service: string): RedisKeys {
  return {
    key: (...parts) => [service, ...parts].join(':'),
    together: (group, ...parts) => [service, `{${group}}`, ...parts].join(':'),
    cachePrefix: (name, version) => `${service}:cache:${name}.${version}:`,
  };
}
