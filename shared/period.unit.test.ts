import assert from 'node:assert/strict';
import { parsePeriod } from './period.ts';
import { parseTime } from './time.ts';

const BERLIN = 'Europe/Berlin';
/** A Tuesday, 09:15 in Berlin. */
const NOW = Date.parse('2026-12-01T08:15:00Z');

function told(text: string, now = NOW): string {
  const period = parsePeriod(text, now, BERLIN);
  return period === null ? 'no period' : `${new Date(period.from).toISOString()} ${new Date(period.to).toISOString()}`;
}

describe('parsePeriod', () => {
  const cases: [string, string][] = [
    ['last night', '2026-11-30T17:00:00.000Z 2026-12-01T05:00:00.000Z'],
    ['the last night', '2026-11-30T17:00:00.000Z 2026-12-01T05:00:00.000Z'],
    ['this morning', '2026-12-01T05:00:00.000Z 2026-12-01T08:15:00.000Z'],
    ['today', '2026-11-30T23:00:00.000Z 2026-12-01T08:15:00.000Z'],
    ['Yesterday', '2026-11-29T23:00:00.000Z 2026-11-30T23:00:00.000Z'],
    ['yesterday evening', '2026-11-30T17:00:00.000Z 2026-11-30T23:00:00.000Z'],
    ['monday afternoon', '2026-11-30T11:00:00.000Z 2026-11-30T17:00:00.000Z'],
    ['last tuesday', '2026-11-23T23:00:00.000Z 2026-11-24T23:00:00.000Z'],
    ['this week', '2026-11-29T23:00:00.000Z 2026-12-01T08:15:00.000Z'],
    ['this month', '2026-11-30T23:00:00.000Z 2026-12-01T08:15:00.000Z'],
    ['last hour', 'no period'],
    ['tomorrow', 'no period'],
    ['', 'no period'],
  ];
  for (const [text, expected] of cases) it(`reads ${JSON.stringify(text)}`, () => assert.equal(told(text), expected));

  it('means the night that is not over yet at three in the morning', () => {
    const now = Date.parse('2026-12-01T02:00:00Z');
    assert.equal(told('last night', now), '2026-11-30T17:00:00.000Z 2026-12-01T02:00:00.000Z');
  });

  it('keeps the hours of the clock on the day when clocks are set back', () => {
    const now = Date.parse('2026-10-25T12:00:00Z');
    assert.equal(told('last night', now), '2026-10-24T16:00:00.000Z 2026-10-25T05:00:00.000Z');
  });

  it('works as a time: its beginning, or its end where a time ends something', () => {
    assert.equal(parseTime('last night', NOW, BERLIN), Date.parse('2026-11-30T17:00:00Z'));
    assert.equal(parseTime('last night', NOW, BERLIN, 'end'), Date.parse('2026-12-01T05:00:00Z'));
    assert.equal(
      parseTime('yesterday', NOW, BERLIN, 'end'),
      Date.parse('2026-11-29T23:00:00Z'),
      'a day is its beginning',
    );
  });
});
