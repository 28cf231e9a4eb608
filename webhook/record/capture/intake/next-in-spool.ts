import { isFirstOfEpoch } from '../../spool/epochs.ts';
import type { SpoolReader } from '../../spool/reader.ts';
import type { Spooled } from '../../spool/records.ts';

/** What stands in the spool at a number. `next`: the lowest number after it that is there. */
export type NextInSpool =
  | { is: 'review'; spooled: Spooled }
  /** Another process went on at `next`: nothing is missing. */
  | { is: 'epoch'; next: number }
  /** A file that was damaged: the reviews up to `next` are gone. */
  | { is: 'damage'; next: number };

/** Looks what stands at a number; `through` is the last one that is durable. Throws ledger-unwritable where the spool cannot be read. */
export function nextInSpool(spool: SpoolReader, number: number, through: number): NextInSpool {
  const spooled = spool.read(number);
  if (spooled !== null) return { is: 'review', spooled };
  const next = Math.min(spool.firstAfter(number) ?? through + 1, through + 1);
  if (!isFirstOfEpoch(next)) return { is: 'damage', next };
  // One that the process before had begun is missing.
  return spool.isBegun(number) ? { is: 'damage', next: number + 1 } : { is: 'epoch', next };
}
