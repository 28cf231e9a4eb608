import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatAge, formatLocal, formatUtc, isTimeOfDay, parseTime, zoneName } from './time.ts';

const NOW = Date.parse('2026-11-22T12:00:00.500Z');
const BERLIN = 'Europe/Berlin';

function read(text: string, timeZone = BERLIN): string {
  return formatUtc(parseTime(text, NOW, timeZone));
}

describe('parseTime', () => {
  it('reads RFC 3339', () => {
    assert.equal(read('2026-03-03T14:32:10Z'), '2026-03-03T14:32:10.000Z');
    assert.equal(read('2026-03-03t14:32:10.1239z'), '2026-03-03T14:32:10.123Z');
    assert.equal(read('2026-03-03T14:32:10.5+05:30'), '2026-03-03T09:02:10.500Z');
    assert.equal(read('2026-03-03T14:32-08:00'), '2026-03-03T22:32:00.000Z');
  });

  it('takes a time without a zone as local', () => {
    assert.equal(read('2026-03-03T14:32'), '2026-03-03T13:32:00.000Z');
    assert.equal(read('2026-07-03 14:32:10'), '2026-07-03T12:32:10.000Z');
    assert.equal(read('2026-03-03'), '2026-03-02T23:00:00.000Z');
    assert.equal(read('2026-03-03', 'Asia/Kathmandu'), '2026-03-02T18:15:00.000Z');
  });

  it('reads ages', () => {
    assert.equal(read('now'), '2026-11-22T12:00:00.500Z');
    assert.equal(read('2h'), '2026-11-22T10:00:00.500Z');
    assert.equal(read('1h30m'), '2026-11-22T10:30:00.500Z');
    assert.equal(read('90m ago'), '2026-11-22T10:30:00.500Z');
    assert.equal(read('3d'), '2026-11-19T12:00:00.500Z');
    assert.equal(read('2w'), '2026-11-08T12:00:00.500Z');
    assert.equal(read('10 minutes ago'), '2026-11-22T11:50:00.500Z');
    assert.equal(read('2 h'), '2026-11-22T10:00:00.500Z');
    assert.equal(read('2 Hours'), '2026-11-22T10:00:00.500Z');
    assert.equal(read('an hour ago'), '2026-11-22T11:00:00.500Z');
    assert.equal(read('1 day, 2 hours and 30 mins ago'), '2026-11-21T09:30:00.500Z');
    assert.equal(read('last week'), '2026-11-15T12:00:00.500Z');
  });

  it('reads months and years of the calendar', () => {
    assert.equal(read('1mo'), '2026-10-22T11:00:00.500Z');
    assert.equal(read('1 month ago'), '2026-10-22T11:00:00.500Z');
    assert.equal(read('last month'), '2026-10-22T11:00:00.500Z');
    assert.equal(read('1y2mo'), '2025-09-22T11:00:00.500Z');
    assert.equal(formatUtc(parseTime('1mo', Date.parse('2026-03-31T10:00:00Z'), 'UTC')), '2026-02-28T10:00:00.000Z');
    assert.throws(() => read('99999999mo'), /too long ago/);
  });

  it('reads the clock and the day as people write them, and as they are printed', () => {
    assert.equal(read('@1772548330'), '2026-03-03T14:32:10.000Z');
    assert.equal(read('@1772548330.25'), '2026-03-03T14:32:10.250Z');
    assert.equal(read('2pm'), '2026-11-22T13:00:00.000Z');
    assert.equal(read('12:30 am'), '2026-11-21T23:30:00.000Z');
    assert.equal(read('noon'), '2026-11-22T11:00:00.000Z');
    assert.equal(read('yesterday noon'), '2026-11-21T11:00:00.000Z');
    assert.equal(read('Nov 22'), '2026-11-21T23:00:00.000Z');
    assert.equal(read('22 November 2025 2pm'), '2025-11-22T13:00:00.000Z');
    assert.equal(read('Sun 22 Nov 05:08:11', 'UTC'), '2026-11-22T05:08:11.000Z');
    assert.equal(read('Nov 23', 'UTC'), '2025-11-23T00:00:00.000Z');
    assert.equal(read('2026-11-22 05:07:06 UTC'), '2026-11-22T05:07:06.000Z');
    assert.equal(read('2026-11-22 05:07:06.123 +01:00'), '2026-11-22T04:07:06.123Z');
  });

  it('tells a time of day from a moment', () => {
    assert.deepEqual(['14:32', '05:08:11', '2pm', 'noon', '2026-11-22 05:08', '2h', 'now'].map(isTimeOfDay), [
      ...[true, true, true, true, false, false, false],
    ]);
  });

  it('reads days by name, in the local calendar', () => {
    assert.equal(read('yesterday 14:00'), '2026-11-21T13:00:00.000Z');
    assert.equal(read('Today 09:00:30'), '2026-11-22T08:00:30.000Z');
    assert.equal(read('yesterday'), '2026-11-20T23:00:00.000Z');
    // The 22nd is a Sunday.
    assert.equal(read('last monday'), '2026-11-15T23:00:00.000Z');
    assert.equal(read('Saturday 14:00'), '2026-11-21T13:00:00.000Z');
    assert.equal(read('sunday'), '2026-11-14T23:00:00.000Z');
    assert.equal(read('9:05'), '2026-11-22T08:05:00.000Z');
    // It is already the 23rd there.
    assert.equal(read('today', 'Pacific/Kiritimati'), '2026-11-22T10:00:00.000Z');
  });

  it('takes the first of two moments where clocks were set back', () => {
    assert.equal(read('2026-10-25T02:30'), '2026-10-25T00:30:00.000Z');
  });

  it('goes on over a gap where clocks were set forward', () => {
    assert.equal(read('2026-03-29T02:30'), '2026-03-29T01:30:00.000Z');
    assert.equal(read('2026-03-29T01:59'), '2026-03-29T00:59:00.000Z');
    assert.equal(read('2026-03-29T03:00'), '2026-03-29T01:00:00.000Z');
  });

  it('refuses what is no time, and says why', () => {
    for (const [text, reason] of [
      ['2026-02-30', 'that month has 28 days'],
      ['2026-13-01', 'there is no month 13'],
      ['2026-03-03T24:00', 'there is no hour 24'],
      ['2026-03-03T14:60', 'there is no minute 60'],
      ['2026-03-03T14:32:61Z', 'there is no second 61'],
      ['2026-03-03T14:32+25:00', 'there is no zone +25:00'],
      ['2026-03-03T4:32', 'the hour needs two digits'],
      ['2026-03-03Z', 'unrecognized time format'],
      ['Z', 'unrecognized time format'],
      ['', 'unrecognized time format'],
      ['soon', 'unrecognized time format'],
      ['2026-3-3', 'unrecognized time format'],
      ['99999999999999w', 'it is too long ago'],
    ] as const) {
      assert.throws(() => parseTime(text, NOW, 'UTC'), {
        code: 'time-invalid',
        message: `the time ${JSON.stringify(text)} cannot be read: ${reason}`,
      });
    }
  });

  it('reads back what is printed, in any zone', () => {
    const zones = fc.constantFrom('UTC', BERLIN, 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe');
    const moments = fc.integer({ min: Date.parse('1990-01-01Z'), max: Date.parse('2090-01-01Z') });
    fc.assert(
      fc.property(moments, zones, (at, zone) => {
        assert.equal(parseTime(formatUtc(at), NOW, zone), at);
        const second = Math.floor(at / 1000) * 1000;
        const local = formatLocal(second, zone);
        assert.equal(formatLocal(parseTime(local, NOW, zone), zone), local);
        const name = zoneName(second, zone);
        assert.equal(parseTime(local + (name === 'UTC' ? 'Z' : name), NOW, zone), second);
      }),
    );
  });
});

describe('formatAge', () => {
  it('is kubectl’s', () => {
    const ages: [number, string][] = [
      [-5, '<invalid>'],
      [0, '0s'],
      [119, '119s'],
      [120, '2m'],
      [330, '5m30s'],
      [600, '10m'],
      [10_799, '179m'],
      [10_800, '3h'],
      [12_600, '3h30m'],
      [28_800, '8h'],
      [172_799, '47h'],
      [172_800, '2d'],
      [180_000, '2d2h'],
      [691_200, '8d'],
      [63_072_000, '2y'],
      [65_664_000, '2y30d'],
      [252_288_000, '8y'],
    ];
    for (const [seconds, text] of ages) assert.equal(formatAge(seconds * 1000), text);
  });
});
