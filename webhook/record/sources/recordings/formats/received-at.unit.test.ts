import assert from 'node:assert/strict';
import { parseJson } from '../../../../../shared/json.ts';
import { readReceivedAt } from './received-at.ts';

describe('the time at which a review was received', () => {
  const AT = Date.UTC(2026, 8, 14, 8);
  const good: [text: string, at: number, exact: number][] = [
    ['2026-09-14T08:00:00Z', AT, AT],
    ['2026-09-14t08:00:00z', AT, AT],
    ['2026-09-14 10:00:00+02:00', AT, AT],
    ['2026-09-14T02:30:00-05:30', AT, AT],
    ['2026-09-14T08:00:00.5Z', AT + 500, AT + 500],
    ['2026-09-14T08:00:00.123456+00:00', AT + 123, AT + 123.456],
    ['2026-09-14T08:00:00.123999999Z', AT + 123, AT + 123.999999],
    ['2024-02-29T23:59:59.999Z', Date.UTC(2024, 1, 29, 23, 59, 59, 999), Date.UTC(2024, 1, 29, 23, 59, 59, 999)],
  ];
  for (const [text, at, exact] of good) {
    it(`may be ${text}`, () => assert.deepEqual(readReceivedAt(text), { at, exact }));
  }

  const expected = 'expected an RFC 3339 time with a zone, as 2026-03-03T14:32:10Z';
  const bad: [json: string, message: string][] = [
    ['"2026-09-14 08:00:00"', `receivedAt is "2026-09-14 08:00:00", which has no time zone: ${expected}`],
    ['"2026-09-14T08:00:00.123"', `receivedAt is "2026-09-14T08:00:00.123", which has no time zone: ${expected}`],
    ['"2026-09-14"', `receivedAt is "2026-09-14", which has no time zone: ${expected}`],
    ['1789372800', `receivedAt is the number 1789372800: ${expected}`],
    ['1789372800.123456789012', `receivedAt is the number 1789372800.123456789012: ${expected}`],
    ['"1789372800"', `receivedAt is "1789372800": ${expected}`],
    ['"Mon, 14 Sep 2026 08:00:00 GMT"', `receivedAt is "Mon, 14 Sep 2026 08:00:00 GMT": ${expected}`],
    ['"2h"', `receivedAt is "2h": ${expected}`],
    ['""', `receivedAt is "": ${expected}`],
    ['null', `receivedAt is missing: ${expected}`],
    ['{}', `receivedAt is not a text: ${expected}`],
    ['"2026-02-29T08:00:00Z"', 'the time "2026-02-29T08:00:00Z" cannot be read: that month has 28 days'],
    ['"2026-09-14T24:00:00Z"', 'the time "2026-09-14T24:00:00Z" cannot be read: there is no hour 24'],
  ];
  for (const [json, message] of bad) {
    it(`may not be ${json}`, () => {
      assert.throws(() => readReceivedAt(parseJson(json)), { code: 'time-invalid', message });
    });
  }
});
