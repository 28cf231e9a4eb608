import { KubeblameError } from '../../shared/errors.ts';
import { parseLandscapeRules, type LandscapeRule } from '../../shared/landscape/rules.ts';
import { formatUtc, parseTime } from '../../shared/time.ts';
import type { LedgerReader } from '../../shared/types.ts';
import type { Io } from '../io.ts';

/** The flags that apps and releases share, as commander gives them. */
export interface LandscapeFlags {
  at?: string;
  rules?: string;
  output?: 'table' | 'json' | 'yaml';
}

/** The rules of --rules, checked; without it there are none here, and those of the ConfigMap apply. Rejects with input-invalid. */
export async function readRules(
  { rules: path }: LandscapeFlags,
  io: Io,
): Promise<{ text?: string; rules: LandscapeRule[] }> {
  if (path === undefined) return { rules: [] };
  const text = await io.read(path);
  return { text, rules: parseLandscapeRules(text, path) };
}

/** A moment of a flag (ms); without one, now. Throws time-invalid. */
export function momentOfFlag(text: string | undefined, io: Io): number {
  return text === undefined ? io.now : parseTime(text, io.now, io.style.timeZone);
}

/** Rejects with time-uncovered where a moment lies before the first record: nothing is told of it. */
export async function requireCovered(at: number, reader: LedgerReader): Promise<void> {
  const { firstAt } = await reader.info();
  if (firstAt === null || at >= firstAt) return;
  throw new KubeblameError(
    'time-uncovered',
    `${formatUtc(at)} lies before the first record`,
    `the first record is of ${formatUtc(firstAt)}`,
  );
}

/** Rejects with name-unknown: no application is called so. */
export function unknownApplication(name: string, known: readonly string[]): KubeblameError {
  const hint = known.length === 0 ? 'none is known then' : `known then: ${known.join(', ')}`;
  return new KubeblameError('name-unknown', `there is no application ${JSON.stringify(name)}`, hint);
}
