import {
  EFFECTS,
  OPERATIONS,
  OUTCOMES,
  SOURCES,
  type Effect,
  type Operation,
  type Outcome,
  type Source,
} from '../../../../shared/types.ts';

/** The small facts of a change, which are stored as one integer: two bytes instead of five columns. */
export interface Facts {
  operation: Operation;
  source: Source;
  effect: Effect;
  statusOnly: boolean;
  late: boolean;
}

/** For conditions in SQL: source 0 is admission, effect 0 is none. */
export const SOURCE_MASK = 3 << 2;
export const EFFECT_MASK = 3 << 4;
export const MODIFIED = EFFECTS.indexOf('modified') << 4;
export const STATUS_ONLY_MASK = 1 << 6;
export const LATE_MASK = 1 << 7;

/** Two bits each for operation, source and effect, one for each flag; below 2^8, and the order of the lists is fixed. */
export function encodeFacts(facts: Facts): number {
  return (
    OPERATIONS.indexOf(facts.operation) |
    (SOURCES.indexOf(facts.source) << 2) |
    (EFFECTS.indexOf(facts.effect) << 4) |
    (Number(facts.statusOnly) << 6) |
    (Number(facts.late) << 7)
  );
}

export function decodeFacts(code: number): Facts {
  return {
    operation: pick(OPERATIONS, code & 3),
    source: pick(SOURCES, (code >> 2) & 3),
    effect: pick(EFFECTS, (code >> 4) & 3),
    statusOnly: (code & 64) !== 0,
    late: (code & 128) !== 0,
  };
}

/** What a stored code stands for. Throws RangeError where it stands for nothing. */
export function pick<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw new RangeError(`code ${index} of ${list.length}`);
  return value;
}

/** The outcome of a change, by what was stored last; null where nothing was. What is not a request is a fact from the start. */
export function outcomeOf(code: number | null, source: Source): Outcome {
  return OUTCOMES[code ?? -1] ?? (source === 'admission' ? 'pending' : 'committed');
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A uid in 16 bytes where it is a UUID in its usual spelling; otherwise its text. */
export function encodeUid(uid: string): Buffer | string {
  return UUID.test(uid) ? Buffer.from(uid.replaceAll('-', ''), 'hex') : uid;
}

export function decodeUid(stored: Buffer | string): string {
  if (typeof stored === 'string') return stored;
  const hex = stored.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
