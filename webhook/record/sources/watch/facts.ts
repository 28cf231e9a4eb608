import { setImmediate as breathe } from 'node:timers/promises';
import type { ObjectRef } from '../../../../shared/types.ts';
import type { Recorder } from '../../capture/recorder/recorder.ts';
import type { LedgerStore } from '../../../ledger/port/port.ts';
import type { WatchedResource } from '../../../platform/kubernetes/discovery.ts';
import type { Shown } from '../../../platform/kubernetes/watch/shown.ts';

/** Ends whose recording may be under way at once: they share commits. */
const IN_FLIGHT = 64;

/** A watch may be so late with what it shows. */
const WATCH_LAG_MS = 2_000;

/**
 * Takes what the reflectors see to the recorder. `progressAt`: up to when (ms) everything of that resource had been
 * taken in before; null where nothing had.
 */
export class RecorderFacts {
  constructor(
    private readonly recorder: Recorder,
    private readonly store: LedgerStore,
    private readonly now: () => number,
  ) {}

  observe(object: ObjectRef, shown: Shown, progressAt: number | null, mayWait: boolean): Promise<void> {
    return this.recorder.observe(object, shown, this.now(), sinceOf(progressAt), mayWait);
  }

  observeGone(object: ObjectRef, resourceVersion: string, progressAt: number | null): Promise<void> {
    return this.recorder.observeGone(object, resourceVersion, this.now(), sinceOf(progressAt), true);
  }

  async observeList(
    { group, resource }: WatchedResource,
    uids: ReadonlySet<string>,
    resourceVersion: string,
    progressAt: number | null,
  ): Promise<void> {
    for (let after: number | null | undefined; after !== null;) {
      const { objects, next } = await this.store.mayExist({ type: { group, resource } }, after);
      const absent = objects.filter(({ uid }) => uid !== '' && !uids.has(uid));
      for (let from = 0; from < absent.length; from += IN_FLIGHT) {
        await Promise.all(
          absent
            .slice(from, from + IN_FLIGHT)
            .map(({ id: _, ...object }) =>
              this.recorder.observeAbsent(object, resourceVersion, this.now(), sinceOf(progressAt)),
            ),
        );
      }
      after = next;
      // The ledger may have a hundred thousand that are long gone: others have their turn in between.
      await breathe();
    }
  }
}

function sinceOf(progressAt: number | null): number {
  return progressAt === null ? 0 : progressAt - WATCH_LAG_MS;
}
