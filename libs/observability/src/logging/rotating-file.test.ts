import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FileWriter } from './file-writer';
import { LineSink } from './line-sink';
import { RotatingFile, type RotationOptions } from './rotating-file';

const DAY = 24 * 60 * 60 * 1000;

let folder: string;
let file: string;
let now: number;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'rostrum-rotation-'));
  file = path.join(folder, 'posts.log');
  now = Date.parse('2026-11-20T12:00:00Z');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(options?: RotationOptions) {
  const sink = new LineSink({ writer: new FileWriter(new RotatingFile(file, options, () => now)) });
  return {
    sink,
    line(text: string) {
      sink.write(`${text}\n`);
      sink.flushSync();
    },
  };
}

const files = () => readdirSync(folder).sort();
const read = (name: string) => readFileSync(path.join(folder, name), 'utf8');

function leave(name: string, day: string, bytes = 1) {
  writeFileSync(path.join(folder, name), 'x'.repeat(bytes));
  utimesSync(path.join(folder, name), new Date(day), new Date(day));
}

describe('RotatingFile', () => {
  test('begins a new file each day and names the old one by its day', async () => {
    const { sink, line } = open();
    line('one');
    now += DAY;
    line('two');
    now += DAY;
    line('three');
    await sink.close();
    expect(files()).toEqual(['posts.2026-11-20.log', 'posts.2026-11-21.log', 'posts.log']);
    expect([read('posts.2026-11-20.log'), read('posts.2026-11-21.log'), read('posts.log')]).toEqual([
      'one\n',
      'two\n',
      'three\n',
    ]);
  });

  test('loses nothing over many rotations under asynchronous writing', async () => {
    const { sink } = open({ maxFileBytes: 20_000 });
    const line = 'y'.repeat(99);
    for (let at = 0; at < 20_000; at++) {
      sink.write(`${line}\n`);
      if (at % 2000 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (at % 4000 === 0) now += DAY;
    }
    await sink.close();
    const all = files().map(read).join('');
    expect(all.length).toBe(2_000_000);
    expect(files().length).toBeGreaterThan(10);
    expect(sink.dropped()).toBe(0);
  });

  test('goes on with the file of today, and finishes one that another day has left', async () => {
    leave('posts.log', '2026-11-20T01:00:00Z');
    const today = open();
    today.line('more');
    await today.sink.close();
    expect(files()).toEqual(['posts.log']);
    utimesSync(file, new Date('2026-11-18T23:00:00Z'), new Date('2026-11-18T23:00:00Z'));
    const later = open();
    later.line('new');
    await later.sink.close();
    expect(files()).toEqual(['posts.2026-11-18.log', 'posts.log']);
    expect(read('posts.log')).toBe('new\n');
  });

  test('keeps thirty days, and never touches files of others', async () => {
    leave('posts.2026-10-20.log', '2026-10-20');
    leave('posts.2026-10-20.1.log', '2026-10-20');
    leave('posts.2026-10-21.log', '2026-10-21');
    leave('auth.2020-01-01.log', '2020-01-01');
    leave('posts.notes.log', '2020-01-01');
    leave('posts.2020-01-01.log.gz', '2020-01-01');
    const { sink } = open();
    await sink.close();
    expect(files()).toEqual([
      'auth.2020-01-01.log',
      'posts.2020-01-01.log.gz',
      'posts.2026-10-21.log',
      'posts.log',
      'posts.notes.log',
    ]);
  });

  test('splits a day that grows too big, and bounds what all days hold', async () => {
    const { sink, line } = open({ maxFileBytes: 100, maxTotalBytes: 250 });
    for (let at = 0; at < 8; at++) line(`${at}${'z'.repeat(88)}`);
    await sink.close();
    expect(files()).toEqual(['posts.2026-11-20.5.log', 'posts.2026-11-20.6.log', 'posts.log']);
    expect(files().map((name) => read(name).charAt(0))).toEqual(['5', '6', '7']);
  });

  test('does not take away the new file when another process has rotated first', async () => {
    const mine = open();
    mine.line('mine');
    now += DAY;
    renameSync(file, path.join(folder, 'posts.2026-11-20.log'));
    writeFileSync(file, 'theirs\n');
    mine.line('again mine');
    await mine.sink.close();
    expect(files()).toEqual(['posts.2026-11-20.log', 'posts.log']);
    expect(read('posts.log')).toBe('theirs\nagain mine\n');
    expect(read('posts.2026-11-20.log')).toBe('mine\n');
  });

  test('goes on in the old file when the folder is gone', async () => {
    const { sink, line } = open();
    line('one');
    rmSync(folder, { recursive: true });
    now += DAY;
    line('two');
    await sink.close();
    expect(sink.dropped()).toBe(0);
    expect(existsSync(file)).toBe(false);
  });
});
