/** Minutes of the day. Where `from` is the later one, they go through midnight. */
export interface QuietHours {
  from: number;
  to: number;
}

const minutesOfDay = 1_440;
const minuteMs = 60_000;

const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone);
  if (known) return known;
  const clock = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  clocks.set(timeZone, clock);
  return clock;
}

export function minuteOfDay(at: Date, timeZone: string): number {
  const [hour, minute] = clockOf(timeZone).format(at).split(':').map(Number) as [number, number];
  return hour * 60 + minute;
}

/** The calendar day, as `2026-11-20`. */
export function dayOf(at: Date, timeZone: string): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(at);
}

/** When the quiet hours are over that hold at a time; undefined where none do. */
export function quietUntil(at: Date, { from, to }: QuietHours, timeZone: string): Date | undefined {
  const now = minuteOfDay(at, timeZone);
  const isQuiet = from < to ? now >= from && now < to : now >= from || now < to;
  if (!isQuiet) return undefined;
  const left = (to - now + minutesOfDay) % minutesOfDay;
  const end = new Date(Math.floor(at.getTime() / minuteMs) * minuteMs + left * minuteMs);
  // Where clocks have been changed meanwhile, it is as far off as they were.
  const missed = ((to - minuteOfDay(end, timeZone) + 1.5 * minutesOfDay) % minutesOfDay) - minutesOfDay / 2;
  const mended = new Date(end.getTime() + missed * minuteMs);
  return minuteOfDay(mended, timeZone) === to ? mended : end;
}

export function toMinutes(time: string): number {
  const [hour, minute] = time.split(':').map(Number) as [number, number];
  return hour * 60 + minute;
}

export function toTime(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
