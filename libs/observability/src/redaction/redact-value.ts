import { types } from 'node:util';
import { isSecretHeader, isSecretKey, isSecretUnder, REDACTED } from './secret-keys';
import { redactText } from './secret-text';

const MAX_DEPTH = 8;
const MAX_NODES = 1000;
const MAX_ITEMS = 100;
const MAX_KEYS = 200;
const MAX_CHARACTERS = 128 * 1024;
const OMITTED = '[omitted]';
const UNREADABLE = '[unreadable]';

/** Names under which records keep the name of another field, whose content is then under `VALUE_KEYS`. */
const NAME_KEYS = new Set(['name', 'key', 'field', 'header', 'param']);
const VALUE_KEYS = new Set(['value', 'values', 'received', 'input']);

/** How much one call may still write: hostile or careless metadata must not fill the disk. */
interface Budget {
  nodes: number;
  characters: number;
}

type Plain = Record<string, unknown>;

/** Copies values into plain, safe ones; one instance per call, since it remembers the path it came. */
class Redactor {
  private readonly budget: Budget = { nodes: MAX_NODES, characters: MAX_CHARACTERS };
  private readonly path = new Set<object>();

  copy(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        return this.text(value);
      case 'object':
        return value === null ? null : this.enter(value);
      case 'function':
        return '[function]';
      case 'bigint':
      case 'symbol':
        return this.text(String(value));
      default:
        return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
    }
  }

  private text(value: string): string {
    if (this.budget.characters <= 0) return OMITTED;
    const safe = redactText(value);
    this.budget.characters -= safe.length;
    return safe;
  }

  private enter(value: object): unknown {
    if (this.path.size >= MAX_DEPTH || this.budget.nodes <= 0) return OMITTED;
    if (this.path.has(value)) return '[circular]';
    this.budget.nodes--;
    this.path.add(value);
    try {
      return this.object(value);
    } catch {
      return UNREADABLE; // a getter, proxy or toJSON that throws
    } finally {
      this.path.delete(value);
    }
  }

  private object(value: object): unknown {
    if (types.isNativeError(value) || value instanceof Error) return this.error(value);
    if (Array.isArray(value)) return this.list(value);
    if (types.isDate(value)) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
    if (ArrayBuffer.isView(value)) return `[${value.constructor.name} of ${value.byteLength} bytes]`;
    if (types.isAnyArrayBuffer(value)) return `[ArrayBuffer of ${value.byteLength} bytes]`;
    if (types.isSet(value)) return this.list([...value]);
    if (types.isMap(value) || value instanceof Headers || value instanceof URLSearchParams)
      return this.entries([...value].map(([key, item]: [unknown, unknown]) => [String(key), item]));
    if (value instanceof URL || types.isRegExp(value)) return this.text(String(value));
    if (types.isBoxedPrimitive(value)) return this.copy(value.valueOf());
    if ('toJSON' in value && typeof value.toJSON === 'function') return this.copy(value.toJSON());
    return this.entries(Object.keys(value).map((key) => [key, this.read(value, key)]));
  }

  private list(items: unknown[]): unknown[] {
    const [first, second] = items;
    if (items.length === 2 && typeof first === 'string' && isSecretKey(first) && isSecretUnder(first, second))
      return [this.text(first), REDACTED];
    const copies = items.slice(0, MAX_ITEMS).map((item, at) => {
      const before = items[at - 1];
      return typeof before === 'string' && isSecretHeader(before) ? REDACTED : this.copy(item);
    });
    if (items.length > MAX_ITEMS) copies.push(`[${items.length - MAX_ITEMS} more]`);
    return copies;
  }

  private entries(entries: [string, unknown][]): Plain {
    const plain = Object.create(null) as Plain; // without a prototype, `__proto__` is a key like any other
    const namesSecret = entries.some(
      ([key, value]) => NAME_KEYS.has(key) && typeof value === 'string' && isSecretKey(value),
    );
    for (const [key, value] of entries.slice(0, MAX_KEYS)) {
      if (this.budget.nodes-- <= 0) break;
      const secret = (isSecretKey(key) && isSecretUnder(key, value)) || (namesSecret && VALUE_KEYS.has(key));
      plain[this.text(key)] = secret ? REDACTED : this.copy(value);
    }
    return plain;
  }

  private read(owner: object, key: string): unknown {
    try {
      return Reflect.get(owner, key) as unknown;
    } catch {
      return UNREADABLE; // one getter that throws must not cost the others
    }
  }

  private error(error: Error): Plain {
    const name = String(this.read(error, 'name') ?? 'Error');
    const plain: Plain = { type: this.text(name === 'Error' ? error.constructor.name : name) };
    this.add(plain, 'code', this.read(error, 'code'));
    plain.message = this.text(String(this.read(error, 'message') ?? ''));
    for (const key of ['stack', 'cause', 'errors']) this.add(plain, key, this.read(error, key));
    const details = Object.keys(error)
      .filter((key) => !ERROR_KEYS.has(key) && !ROW_KEYS.has(key))
      .map((key): [string, unknown] => [key, this.read(error, key)])
      .filter(([, value]) => value !== undefined);
    if (details.length > 0) plain.details = this.entries(details);
    return plain;
  }

  private add(plain: Plain, key: string, value: unknown): void {
    if (value !== undefined && value !== null) plain[key] = this.copy(value);
  }
}

const ERROR_KEYS = new Set(['name', 'code', 'message', 'stack', 'cause', 'errors']);

/** PostgreSQL's errors carry whole rows and what a statement was given in these; its message says enough. */
const ROW_KEYS = new Set(['detail', 'where', 'internalQuery']);

/**
 * Copies any value into one that is safe to write: secrets blanked by name and by pattern, circles cut, depth, size
 * and length bounded. It never throws and never changes what it is given.
 */
export function redactValue(value: unknown): unknown {
  return new Redactor().copy(value);
}
