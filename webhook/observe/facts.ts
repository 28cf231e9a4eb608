import type { Seen } from '../../shared/interpret.ts';
import type { ObjectRef } from '../../shared/types.ts';
import type { Recorder } from '../capture/recorder.ts';
import type { LedgerStore } from '../store/port.ts';
import type { WatchedResource } from './discovery.ts';

/** Objects of the ledger that are compared with a list at once. */
const PAGE = 500;

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

  observe(object: ObjectRef, seen: Seen, progressAt: number | null): Promise<void> {
    return this.recorder.observe(object, seen, this.now(), sinceOf(progressAt));
  }

  observeGone(object: ObjectRef, resourceVersion: string, progressAt: number | null): Promise<void> {
    return this.recorder.observeGone(object, resourceVersion, this.now(), sinceOf(progressAt));
  }

  async observeList(
    { group, resource }: WatchedResource,
    uids: ReadonlySet<string>,
    resourceVersion: string,
    progressAt: number | null,
  ): Promise<void> {
    for (let after: number | undefined; ;) {
      const page = await this.store.objects({ type: { group, resource } }, PAGE, after);
      for (const { id: _, ...object } of page) {
        if (object.uid === '' || uids.has(object.uid)) continue;
        await this.recorder.observeAbsent(object, resourceVersion, this.now(), sinceOf(progressAt));
      }
      after = page.at(-1)?.id;
      if (page.length < PAGE) return;
    }
  }
}

function sinceOf(progressAt: number | null): number {
  return progressAt === null ? 0 : progressAt - WATCH_LAG_MS;
}
