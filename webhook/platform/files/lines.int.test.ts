import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { useFolder } from '../../testing/folder.ts';
import { InputCutOff, parseLine, readLines } from './lines.ts';

describe('the lines of an input', () => {
  const file = useFolder();

  async function read(content: Buffer | string): Promise<[number, string][]> {
    writeFileSync(file('input'), content);
    const lines: [number, string][] = [];
    for await (const { number, text } of readLines(file('input'))) lines.push([number, text]);
    return lines;
  }

  it('end with a line feed, alone or behind a carriage return, and with nothing else', async () => {
    assert.deepEqual(await read('a\r\n\n  \nb\u2028c\rd\u0085e\nf'), [
      [1, 'a'],
      [4, 'b\u2028c\rd\u0085e'],
      [5, 'f'],
    ]);
    assert.deepEqual(await read(''), []);
    assert.deepEqual(await read('x'), [[1, 'x']]);
  });

  it('begin behind a byte order mark, also where files were joined', async () => {
    assert.deepEqual(await read('\uFEFF{"a":1}\n\uFEFF{"b":"\uFEFF"}\n'), [
      [1, '{"a":1}'],
      [2, '{"b":"\uFEFF"}'],
    ]);
  });

  it('are the same however they are cut into members of gzip', async () => {
    const lines = fc.array(
      fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[\n\r\uFEFF]/.test(text)),
      {
        minLength: 1,
      },
    );
    await fc.assert(
      fc.asyncProperty(
        lines,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }),
        async (all, at) => {
          const bytes = Buffer.from(all.join('\n'));
          const cuts = [0, ...at.map((part) => Math.floor(part * bytes.length)).sort((a, b) => a - b), bytes.length];
          const members = cuts.slice(1).map((end, index) => gzipSync(bytes.subarray(cuts[index], end)));
          const wanted = all.flatMap((text, index) => (text.trim() === '' ? [] : [[index + 1, text]]));
          assert.deepEqual(await read(bytes), wanted);
          assert.deepEqual(await read(Buffer.concat(members)), wanted);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('that are not UTF-8 are known by that', async () => {
    writeFileSync(file('input'), Buffer.from('{"a":"\u00ff"}\n{"b":1}\n', 'latin1'));
    const found: unknown[] = [];
    for await (const line of readLines(file('input'))) {
      if (line.isUtf8) found.push(parseLine(line));
      else assert.throws(() => parseLine(line), { code: 'json-invalid', message: 'not UTF-8 text' });
    }
    assert.deepEqual(found, [{ b: 1 }]);
  });

  it('of an input that cannot be read: one line that says why', async () => {
    const failure = (name: string): Promise<unknown> => readLines(name).next();
    await assert.rejects(failure(file('none')), { code: 'input-invalid', message: `there is no file ${file('none')}` });
    mkdirSync(file('folder'));
    await assert.rejects(failure(file('folder')), { message: `${file('folder')} is a folder` });
    await assert.rejects(read(Buffer.from('\uFEFF{}', 'utf16le')), {
      message: `${file('input')} is UTF-16 text, expected UTF-8`,
      hint: 'convert it: iconv -f UTF-16 -t UTF-8',
    });
    await assert.rejects(read(gzipSync('a\nb\n').subarray(0, 15)), (error: Error) => {
      assert.ok(error instanceof InputCutOff);
      assert.equal(error.message, `${file('input')}, after line 2: unexpected end of file`);
      assert.equal(error.hint, 'the file is damaged or cut off: get it again');
      return true;
    });
  });
});
