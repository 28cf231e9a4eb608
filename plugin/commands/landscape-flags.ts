import { KubeblameError } from '../../shared/errors.ts';
import { formatUtc, parseTime } from '../../shared/time.ts';
import type { LedgerReader } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import type { RulesFlags } from './rules-flags.ts';

/** The flags that apps and releases share, as commander gives them. */
export interface LandscapeFlags extends RulesFlags {
  at?: string;
  output?: 'table' | 'json' | 'yaml';
}

/** A moment of a flag whose text `withMoments` has looked up (ms); without one, now. Throws time-invalid. */
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
