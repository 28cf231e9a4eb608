import assert from 'node:assert/strict';
import { PIPE, terminal } from '../testing/style.ts';
import { momentText, spanText, timeFormat } from './times.ts';

const STYLE = terminal(80, 'Europe/Berlin');
const at = (text: string): number => Date.parse(text);

describe('times', () => {
  it('are as short as is clear on a terminal', () => {
    const [first, sameDay, sameYear, earlier] = [
      '2026-11-22T05:06:02.139Z', '2026-11-22T22:59:59Z', '2026-11-22T23:00:00Z', '2025-12-31T12:00:00Z',
    ].map(at) as [number, number, number, number]; // prettier-ignore
    assert.equal(timeFormat([first, sameDay], STYLE)(first), '06:06:02');
    assert.equal(timeFormat([first, sameYear], STYLE)(first), '11-22 06:06:02');
    assert.equal(timeFormat([first, earlier], STYLE)(first), '2026-11-22 06:06:02');
    assert.equal(timeFormat([first], PIPE)(first), '2026-11-22T05:06:02.139Z');
  });

  it('name their zone in sentences', () => {
    assert.equal(momentText(at('2026-11-22T05:06:02Z'), STYLE), '2026-11-22 06:06:02 +01:00');
    assert.equal(momentText(at('2026-11-22T05:06:02.05Z'), terminal(80)), '2026-11-22 05:06:02.050 UTC');
  });

  it('share what two of them have in common', () => {
    const span = (from: string, to: string): string => spanText(at(from), at(to), STYLE);
    assert.equal(span('2026-11-22T05:05:48Z', '2026-11-22T05:08:26Z'), '2026-11-22 06:05:48 → 06:08:26 +01:00');
    assert.equal(
      span('2026-11-21T05:05:48Z', '2026-11-22T05:08:26Z'),
      '2026-11-21 06:05:48 → 2026-11-22 06:08:26 +01:00',
    );
    assert.equal(span('2026-11-22T05:05:48Z', '2026-11-22T05:05:48Z'), '2026-11-22 06:05:48 +01:00');
    // Over the end of summer time.
    assert.equal(span('2026-10-24T22:00:00Z', '2026-10-25T22:00:00Z'), '2026-10-25 00:00:00 +02:00 → 23:00:00 +01:00');
  });
});
