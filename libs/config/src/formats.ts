import { z } from 'zod';

const digits = /^-?\d+(\.\d+)?$/;

/** A number as text; unlike `z.coerce.number()` it refuses '', ' ', 'Infinity', '0x10' and '1e3'. */
function numeric(schema: z.ZodNumber) {
  return z.string().regex(digits, 'must be a number').transform(Number).pipe(schema);
}

/** A whole number between two bounds. */
export const integer = (minimum: number, maximum: number) => numeric(z.int().min(minimum).max(maximum));

/** A share between 0 and 1. */
export const ratio = () => numeric(z.number().min(0).max(1));

export const port = () => integer(0, 65_535);

export const boolean = () => z.enum(['true', 'false']).transform((text) => text === 'true');

/** A comma-separated list; blanks around the items and empty items are dropped. */
export const list = <Item extends z.ZodType<unknown, string>>(item: Item) =>
  z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(item));

export const httpUrl = () => z.url({ protocol: /^https?$/ });

export const postgresUrl = () => z.url({ protocol: /^postgres(ql)?$/ });

export const redisUrl = () => z.url({ protocol: /^rediss?$/ });

/** `host:port`, an IPv6 address in brackets. */
export const networkAddress = () =>
  z.string().refine((text) => splitAddress(text) !== undefined, 'must be host:port');

export interface NetworkAddress {
  host: string;
  port: number;
}

/** The two parts of what is a `networkAddress`. */
export function splitAddress(text: string): NetworkAddress | undefined {
  const [, ipv6, name, digitsOfPort] = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/@[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = ipv6 ?? name;
  const number = Number(digitsOfPort);
  return host !== undefined && number >= 1 && number <= 65_535 ? { host, port: number } : undefined;
}

/** A secret that cannot be guessed: at least 32 characters. */
export const secretText = () => z.string().min(32, 'must have at least 32 characters');

/** The origin of web pages, exactly as browsers send it. */
export const webOrigin = () =>
  z.string().refine(isWebOrigin, 'must be an origin such as https://example.org, with nothing after it');

function isWebOrigin(text: string): boolean {
  return httpUrl().safeParse(text).success && new URL(text).origin === text;
}
