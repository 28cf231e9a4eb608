import { formatAge, formatUtc } from '../../shared/time.ts';
import type { CoverageInterval } from '../../shared/types.ts';
import type { Style } from './style.ts';
import { wrappedTableLines } from './table.ts';
import { printable } from './text.ts';
import { timeFormat } from './times.ts';

/** When recording worked, and why not in between. */
export function coverageTable(intervals: readonly CoverageInterval[], now: number, style: Style): string[] {
  const times = intervals.flatMap(({ from, to }) => [from, to ?? now]);
  const time = style.columns === null ? formatUtc : timeFormat(times, { ...style, now: null });
  const { chalk } = style;
  const rows = intervals.map(({ from, to, covered, cause }) => [
    time(from),
    to === null ? 'now' : time(to),
    formatAge((to ?? now) - from),
    covered ? chalk.green('recorded') : chalk.red('gap'),
    printable(cause),
  ]);
  return wrappedTableLines(['FROM', 'TO', 'LASTED', 'COVERAGE', 'CAUSE'], rows, style);
}

/** The gaps that overlap a period, in words; null `to` is now. */
export function gapNotes(intervals: readonly CoverageInterval[], from: number, to: number, style: Style): string[] {
  const gaps = intervals.filter((interval) => !interval.covered && interval.from <= to && (interval.to ?? to) >= from);
  const time = timeFormat(
    gaps.flatMap((gap) => [gap.from, gap.to ?? to]),
    { ...style, now: null },
  );
  return gaps.map((gap) => {
    const end = gap.to === null ? 'since' : 'from';
    const until = gap.to === null ? '' : ` to ${time(gap.to)}`;
    return `not recorded ${end} ${time(gap.from)}${until}: ${printable(gap.cause)}`;
  });
}
