import { KubeblameError } from '../../../../../shared/errors.ts';
import { exactNumber } from '../../../../../shared/json.ts';
import { parseTime } from '../../../../../shared/time.ts';
import type { Json } from '../../../../../shared/types.ts';

const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.(\d+))?(?:[Zz]|[+-]\d{2}:\d{2})$/;
const WITHOUT_ZONE = /^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?$/;

/** A moment that a recording tells. */
export interface Moment {
  /** ms. */
  at: number;
  /** The same with what is finer than a ms, as far as a number holds it: about a quarter of a microsecond. */
  exact: number;
}

/**
 * Reads the time at which a review was received: RFC 3339, with any fraction of a second. Throws KubeblameError time-invalid:
 * a time that could be meant in two ways is none.
 */
export function readReceivedAt(value: Json | undefined): Moment {
  if (value === undefined || value === null) throw invalid('receivedAt is missing');
  const number = typeof value === 'number' ? String(value) : typeof value === 'string' ? exactNumber(value) : null;
  if (number !== null) throw invalid(`receivedAt is the number ${number}`);
  if (typeof value !== 'string') throw invalid('receivedAt is not a text');
  const match = RFC_3339.exec(value);
  if (match === null) {
    const shown = `receivedAt is ${JSON.stringify(value.slice(0, 100))}`;
    throw invalid(WITHOUT_ZONE.test(value) ? `${shown}, which has no time zone` : shown);
  }
  const at = parseTime(value, 0, 'UTC');
  return { at, exact: at + Number(`0.${(match[1] ?? '').slice(3)}0`) };
}

function invalid(what: string): KubeblameError {
  return new KubeblameError('time-invalid', `${what}: expected an RFC 3339 time with a zone, as 2026-03-03T14:32:10Z`);
}
