import { InputCutOff } from '../../../../platform/files/lines.ts';
import type { RecordedReview } from './reviews.ts';

/**
 * A recording is not written in the order of its times: requests overlap, and files of several API servers are joined. So much later than its
 * turn a line may come: so many lines, and so many ms. A webhook may take 30 s at most, and whoever collects
 * lines seldom holds them back for minutes.
 */
export const MAX_LATE_LINES = 1000;
export const MAX_LATE_MS = 10 * 60_000;
/** Lines that wait are in memory, where they take some times as much: of such that are longer than 64 KiB on average, fewer wait. */
const MAX_WAITING_BYTES = 64 * 1024 * MAX_LATE_LINES;

export interface Ordered extends RecordedReview {
  /** The time (ms) of a review before it that is younger than this one, which came too late to be put before it; null for most. */
  behind: number | null;
}

/** Puts reviews into the order of their times; those of one time stay in the order in which they came. */
export async function* inOrder(source: AsyncIterable<RecordedReview>): AsyncGenerator<Ordered> {
  const waiting: RecordedReview[] = [];
  let bytes = 0;
  let last: RecordedReview | undefined;
  const take = (): Ordered | undefined => {
    const item = waiting.shift();
    if (item === undefined) return undefined;
    bytes -= item.bytes;
    last = item;
    return { ...item, behind: null };
  };
  const isDue = (): boolean => {
    const [first, newest] = [waiting[0], waiting.at(-1)];
    if (first === undefined || newest === undefined) return false;
    return waiting.length > MAX_LATE_LINES || bytes > MAX_WAITING_BYTES || newest.exact - first.exact > MAX_LATE_MS;
  };
  let failure: { error: unknown } | null = null;
  try {
    for await (const item of source) {
      if (last !== undefined && item.exact < last.exact) {
        yield { ...item, behind: last.at };
        continue;
      }
      let index = waiting.length;
      while ((waiting[index - 1]?.exact ?? -Infinity) > item.exact) index--;
      waiting.splice(index, 0, item);
      bytes += item.bytes;
      while (isDue()) {
        const due = take();
        if (due !== undefined) yield due;
      }
    }
  } catch (error) {
    // After a line that is to be mended, what waits must not be ahead of what follows that line.
    if (!(error instanceof InputCutOff)) throw error;
    failure = { error };
  }
  for (let item = take(); item !== undefined; item = take()) yield item;
  if (failure !== null) throw failure.error;
}
