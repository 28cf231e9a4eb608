import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writevSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { setImmediate } from 'node:timers/promises';
import { useFolder } from '../../testing/folder.ts';
import { SpoolReader } from './reader.ts';
import { HEADER_BYTES, headerOf, MAX_SPOOLED_BYTES } from './records.ts';
import { Spool, SPOOL_BYTES } from './spool.ts';

const SMALL = 4_096;
const LEDGER = 42;

describe('the spool', () => {
  const folder = useFolder();
  let made = 0;
  const newFolder = (): string => folder(`spool-${++made}`);

  function openSpool(path: string, next = 1): { spool: Spool; durable: number[] } {
    const durable: number[] = [];
    const spool = new Spool({
      folder: path,
      ledger: LEDGER,
      next,
      left: [],
      durable: (through) => durable.push(through),
      maxBytes: 16 * SMALL,
    });
    return { spool, durable };
  }

  const add = (spool: Spool, body: Buffer | string, at = 0, redacted = false): Promise<void> =>
    spool.add({ at, redacted, body: Buffer.from(body) });

  /** What lies there from a number on, to the end. */
  function texts(path: string, from = 1, ledger = LEDGER): string[] {
    const reader = new SpoolReader(path, ledger);
    const found: string[] = [];
    for (let number = from, last = reader.last(from); number <= last; number++) {
      const spooled = reader.read(number);
      const text = `${spooled?.at ?? ''} ${spooled?.redacted === true ? 'redacted ' : ''}${spooled?.body.toString() ?? ''}`;
      found.push(spooled === null ? `${number} is gone` : `${spooled.number} ${text}`);
    }
    reader.close();
    return found;
  }

  it('gives back what was added, in order, with its number and time', async () => {
    const path = newFolder();
    const { spool, durable } = openSpool(path);
    await Promise.all([add(spool, 'a', 100), add(spool, 'b', 101, true), add(spool, '', 102)]);
    await spool.close();
    assert.deepEqual(durable, [3]);
    assert.deepEqual(texts(path), ['1 100 a', '2 101 redacted b', '3 102 ']);
    assert.deepEqual(texts(path, 2), ['2 101 redacted b', '3 102 ']);
    assert.deepEqual(texts(path, 4), []);
    assert.deepEqual(texts(path, 1, LEDGER + 1), [], 'of another ledger');
    assert.deepEqual(readdirSync(path), ['0001.spool']);
    assert.equal(statSync(join(path, '0001.spool')).mode & 0o777, 0o600);
    assert.equal(statSync(path).mode & 0o777, 0o700);
  });

  it('is read while it is written, across files', async () => {
    const path = newFolder();
    const { spool } = openSpool(path);
    const reader = new SpoolReader(path, LEDGER);
    for (let n = 1; n <= 12; n++) {
      assert.equal(reader.read(n), null);
      await add(spool, 'x'.repeat(1_000 + n));
      assert.equal(reader.read(n)?.body.length, 1_000 + n);
    }
    assert.equal(reader.read(3)?.body.length, 1_003, 'and again from the middle');
    reader.close();
    await spool.close();
  });

  it('begins another file in another process, and goes on behind what lies there', async () => {
    const path = newFolder();
    const first = openSpool(path);
    await add(first.spool, 'a');
    await first.spool.close();
    // What lies there was taken: the file may be used again, and what is left of it is not there any more.
    const second = openSpool(path, 2);
    await add(second.spool, 'b');
    await second.spool.close();
    assert.deepEqual(texts(path, 2), ['2 0 b']);
    assert.deepEqual(readdirSync(path), ['0001.spool']);
  });

  it('writes over what was taken, and only that', async () => {
    const path = newFolder();
    const { spool } = openSpool(path);
    const body = 'x'.repeat(1_500);
    for (let n = 1; n <= 8; n++) {
      await add(spool, body, n);
      if (n <= 6) spool.taken(n);
    }
    await spool.close();
    assert.deepEqual(texts(path, 7), [`7 7 ${body}`, `8 8 ${body}`]);
    assert.ok(readdirSync(path).length <= 2);
  });

  it('gives back the room of a burst', async () => {
    const path = newFolder();
    const { spool } = openSpool(path);
    for (let n = 1; n <= 14; n++) await add(spool, 'x'.repeat(1_500));
    assert.equal(readdirSync(path).length, 7);
    spool.taken(14);
    assert.equal(readdirSync(path).length, 3);
    await spool.close();
  });

  it('lets whoever adds wait for the ledger when it is half full, refuses when it is full, and goes on then', async () => {
    const path = newFolder();
    const { spool, durable } = openSpool(path);
    const body = 'x'.repeat(3_000);
    // One to a file: eight are full, and the ninth is being filled.
    for (let n = 1; n <= 8; n++) await add(spool, body);
    let answered = 0;
    const held: Promise<unknown>[] = [];
    for (let n = 9; n <= 16; n++) {
      held.push(add(spool, body).then(() => answered++));
      while (durable.at(-1) !== n) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.equal(answered, 0, 'durable, and not answered');
    await assert.rejects(add(spool, body), { code: 'overloaded', message: /^the spool is full: the ledger/ });
    spool.taken(10);
    await Promise.all(held);
    await add(spool, body);
    assert.equal(durable.at(-1), 17);
    await spool.close();
    assert.equal(texts(path, 11).length, 7);
    await assert.rejects(add(spool, body), { code: 'closing' });
  });

  it('takes nothing for the next review that a write left which had failed', async () => {
    const path = newFolder();
    const { spool } = openSpool(path);
    await add(spool, 'a');
    const left = { number: 2, at: 7, redacted: false, body: Buffer.from('told to be lost') };
    const file = openSync(join(path, '0001.spool'), 'r+');
    writevSync(file, [headerOf(left, LEDGER), left.body], HEADER_BYTES + 1);
    closeSync(file);
    assert.deepEqual(texts(path), ['1 0 a', '2 7 told to be lost'], 'as long as nothing follows');
    // It does not fit into the file any more.
    await add(spool, 'b'.repeat(4_050));
    await add(spool, 'c');
    await spool.close();
    assert.deepEqual(texts(path), ['1 0 a', `2 0 ${'b'.repeat(4_050)}`, '3 0 c']);
  });

  it('tells which reviews can no more be read', async () => {
    const path = newFolder();
    const { spool } = openSpool(path);
    for (let n = 1; n <= 6; n++) await add(spool, 'x'.repeat(1_500));
    await spool.close();
    const file = join(path, '0002.spool');
    const bytes = readFileSync(file);
    bytes.writeUInt8(0, HEADER_BYTES + 1_500 + HEADER_BYTES + 100);
    writeFileSync(file, bytes);
    const read = texts(path).map((text) => text.slice(0, 9));
    assert.deepEqual(read, ['1 0 xxxxx', '2 0 xxxxx', '3 0 xxxxx', '4 is gone', '5 0 xxxxx', '6 0 xxxxx']);
    const reader = new SpoolReader(path, LEDGER);
    assert.equal(reader.firstAfter(4), 5);
    reader.close();
  });

  it('tells which reviews are damaged in the last file as well, and gives back those behind them', async () => {
    const path = newFolder();
    const { spool } = openSpool(path);
    for (let n = 1; n <= 10; n++) await add(spool, `review ${n}`, n);
    await spool.close();
    const file = join(path, '0001.spool');
    const whole = readFileSync(file);
    const found = (damage: (bytes: Buffer) => void): string[] => {
      const bytes = Buffer.from(whole);
      damage(bytes);
      writeFileSync(file, bytes);
      return texts(path).map((text) => text.replace(/ \d+ review \d+$/, ''));
    };
    const record = (n: number): number => (n - 1) * (HEADER_BYTES + 'review 1'.length);
    const flip = (bytes: Buffer, at: number): void => void bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    const gone = (...numbers: number[]): string[] =>
      Array.from({ length: 10 }, (_, index) => (numbers.includes(index + 1) ? `${index + 1} is gone` : `${index + 1}`));
    // Each byte of a header, and of a body, of the first record, of one in the middle, and of the last one.
    for (const n of [1, 5]) {
      for (let at = 0; at < HEADER_BYTES + 'review 1'.length; at++) {
        assert.deepEqual(
          found((bytes) => flip(bytes, record(n) + at)),
          gone(n),
          `byte ${at} of ${n}`,
        );
      }
    }
    assert.deepEqual(
      found((bytes) => flip(bytes, record(10) + HEADER_BYTES)),
      gone(10),
    );
    assert.deepEqual(
      found((bytes) => bytes.fill(7, record(4) + 3, record(7) + 3)),
      gone(4, 5, 6, 7),
    );
  });

  it('writes over no file that has reviews which the ledger does not have', async () => {
    const path = newFolder();
    const { spool } = openSpool(path);
    const body = 'x'.repeat(1_500);
    for (let n = 1; n <= 6; n++) await add(spool, body, n);
    await spool.close();
    const reader = new SpoolReader(path, LEDGER);
    const left = reader.filesAfter(2);
    reader.close();
    assert.deepEqual(left, [
      { path: join(path, '0002.spool'), last: 4 },
      { path: join(path, '0003.spool'), last: 6 },
    ]);
    const next = new Spool({
      folder: path,
      ledger: LEDGER,
      next: 7,
      left,
      durable: () => undefined,
      maxBytes: 16 * SMALL,
    });
    for (let n = 7; n <= 10; n++) await add(next, body, n);
    assert.deepEqual(
      texts(path, 3).map((text) => Number.parseInt(text, 10)),
      [3, 4, 5, 6, 7, 8, 9, 10],
    );
    next.taken(6);
    for (let n = 11; n <= 14; n++) await add(next, body, n);
    await next.close();
    assert.equal(readdirSync(path).length, 4, 'files are used again once they are taken');
  });

  it('gives back all that was answered, wherever the last write was cut off', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(1_200), { minLength: 1, maxLength: 30 }), fc.nat(100), async (sizes, cut) => {
        const path = newFolder();
        const { spool } = openSpool(path);
        const bodies = sizes.map((size) => randomBytes(size).toString('base64url').slice(0, size));
        // Some share a write.
        for (let n = 0; n < bodies.length; n += 3) {
          await Promise.all(bodies.slice(n, n + 3).map((body, index) => add(spool, body, n + index)));
        }
        await spool.close();
        const copy = newFolder();
        mkdirSync(copy);
        const names = readdirSync(path);
        for (const name of names) copyFileSync(join(path, name), join(copy, name));
        const whole = bodies.map((body, index) => `${index + 1} ${index} ${body}`);
        assert.deepEqual(texts(copy), whole);
        // The last file is cut anywhere: what is whole before it stays, and nothing else appears.
        const last = join(copy, names.at(-1) ?? '');
        truncateSync(last, Math.floor((readFileSync(last).length * cut) / 100));
        const rest = texts(copy);
        assert.deepEqual(rest, whole.slice(0, rest.length));
      }),
      { numRuns: 50, seed: 20261125 },
    );
  });

  it('remembers no answer that is given, while it stays half full', async () => {
    const path = newFolder();
    const { spool, durable } = openSpool(path);
    const body = 'x'.repeat(3_000);
    const adding: Promise<void>[] = [];
    // One to a file: from the ninth on half are full. Then the ledger takes one for each that comes.
    for (let n = 1; n <= 20; n++) {
      adding.push(add(spool, body));
      while ((durable.at(-1) ?? 0) < n) await setImmediate();
      if (n > 10) spool.taken(n - 10);
    }
    await Promise.all(adding);
    const { held } = spool as unknown as { held: Iterable<unknown> };
    assert.equal([...held].length, 0);
    await spool.close();
  });

  it('refuses what could not be read back', async () => {
    const path = newFolder();
    const { spool, durable } = openSpool(path);
    await assert.rejects(add(spool, 'x'.repeat(SMALL)), { code: 'body-too-large' });
    await add(spool, 'x'.repeat(SMALL - HEADER_BYTES));
    await spool.close();
    assert.deepEqual(durable, [1]);
    const large = new Spool({
      folder: newFolder(),
      ledger: LEDGER,
      next: 1,
      left: [],
      durable: () => assert.fail('it was taken'),
      maxBytes: SPOOL_BYTES,
    });
    await assert.rejects(add(large, Buffer.alloc(MAX_SPOOLED_BYTES + 1)), { code: 'body-too-large' });
    await large.close();
  });

  it('takes nothing for a later review that a write left which had failed', async () => {
    const path = newFolder();
    const { spool } = openSpool(path);
    await add(spool, 'a');
    const left = ['x', 'told to be lost'].map((text, index) => ({
      number: 2 + index,
      at: 7,
      redacted: false,
      body: Buffer.from(text),
    }));
    const file = openSync(join(path, '0001.spool'), 'r+');
    writevSync(
      file,
      left.flatMap((record) => [headerOf(record, LEDGER), record.body]),
      HEADER_BYTES + 1,
    );
    closeSync(file);
    // As long as the first that failed.
    await add(spool, 'b');
    assert.deepEqual(texts(path), ['1 0 a', '2 0 b']);
    await add(spool, 'c');
    await spool.close();
    assert.deepEqual(texts(path), ['1 0 a', '2 0 b', '3 0 c']);
  });

  it('goes on where a file that is of no more use cannot be removed', async () => {
    const path = newFolder();
    const { spool } = openSpool(path);
    for (let n = 1; n <= 14; n++) await add(spool, 'x'.repeat(1_500));
    // As a disk that has just become read-only.
    for (const name of readdirSync(path).slice(0, 6)) {
      rmSync(join(path, name));
      mkdirSync(join(path, name));
    }
    spool.taken(14);
    await add(spool, 'a');
    await spool.close();
  });
});
