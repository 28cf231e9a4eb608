import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createStyle } from './style.ts';
import { padEnd, printable, shortenEnd, shortenMiddle, takeEnd, takeStart, widthOf } from './text.ts';

describe('printable', () => {
  it('shows what a terminal would obey, and leaves the rest', () => {
    assert.equal(printable('a\n\r\t\u0000\u001b[31mb'), 'a\\n\\r\\t\\0\\e[31mb');
    assert.equal(
      printable('\u0007\u007f\u009b\u202e\u2066\u200b\ufeff'),
      '\\x07\\x7f\\x9b\\u202e\\u2066\\u200b\\ufeff',
    );
    assert.equal(printable('é…→日本😀'), 'é…→日本😀');
    assert.equal(printable('half \ud83d pair'), 'half \\ud83d pair');
  });

  it('never leaves a control character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.doesNotMatch(printable(text), /\p{Cc}|\p{Bidi_Control}/u);
      }),
    );
  });
});

describe('shortening', () => {
  it('keeps both ends', () => {
    assert.equal(shortenMiddle('generic-garbage-collector', 12, '…'), 'generi…ector');
    assert.equal(shortenMiddle('short', 12, '…'), 'short');
    assert.equal(shortenEnd('generic-garbage-collector', 12, '…'), 'generic-gar…');
  });

  it('counts no column for a link, which only terminals that know links get', () => {
    const options = { columns: 80, colour: 0, unicode: true, timeZone: 'UTC' } as const;
    const link = createStyle({ ...options, links: () => true }).link('9be27d1', 'https://git.example.com/a');
    assert.equal(link, '\u001b]8;;https://git.example.com/a\u001b\\9be27d1\u001b]8;;\u001b\\');
    assert.equal(widthOf(`@ ${link}`), 9);
    assert.equal(createStyle({ ...options, links: () => true }).link('9be27d1', undefined), '9be27d1');
    assert.equal(createStyle({ ...options, columns: null, links: () => true }).link('9be27d1', 'https://a'), '9be27d1');
    assert.equal(createStyle(options).link('9be27d1', 'https://a'), '9be27d1');
  });

  it('counts columns, not characters', () => {
    assert.equal(widthOf('日本語'), 6);
    assert.equal(takeStart('日本語', 5), '日本');
    assert.equal(takeEnd('日本語', 3), '語');
    assert.equal(padEnd('日本', 6), '日本  ');
    // A family is one character of two columns, and is not taken apart.
    assert.equal(takeStart('👨‍👩‍👧x', 2), '👨‍👩‍👧');
  });

  it('fits any text into any width', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.integer({ min: 4, max: 30 }), (text, width) => {
        for (const short of [shortenMiddle(text, width, '…'), shortenEnd(text, width, '…')]) {
          assert.ok(widthOf(short) <= width, short);
        }
      }),
    );
  });

  it('takes no time for a megabyte', () => {
    const start = performance.now();
    assert.equal(widthOf(shortenMiddle('x'.repeat(1_500_000), 80, '…')), 80);
    assert.ok(performance.now() - start < 200);
  });
});
