import type { Seen } from '../../shared/interpret.ts';
import type { ObjectRef } from '../../shared/types.ts';
import type { Recorder } from '../capture/recorder.ts';
import type { LedgerStore } from '../store/port.ts';
import type { WatchedResource } from './discovery.ts';
import type { FactSink } from './reflector.ts';

/** Objects of the ledger that are compared with a list at once. */
const PAGE = 500;

/** Takes what the reflectors see to the recorder. */
export class RecorderFacts implements FactSink {
  constructor(
    private readonly recorder: Recorder,
    private readonly store: LedgerStore,
    private readonly now: () => number,
  ) {}

  observe(object: ObjectRef, seen: Seen): Promise<void> {
    return this.recorder.observe(object, seen, this.now());
  }

  observeGone(object: ObjectRef, resourceVersion: string): Promise<void> {
    return this.recorder.observeGone(object, resourceVersion, this.now());
  }

  async observeList(
    { group, resource }: WatchedResource,
    uids: ReadonlySet<string>,
    resourceVersion: string,
  ): Promise<void> {
    for (let after: number | undefined; ;) {
      const page = await this.store.objects({ type: { group, resource } }, PAGE, after);
      for (const { id: _, ...object } of page) {
        if (object.uid === '' || uids.has(object.uid)) continue;
        await this.recorder.observeAbsent(object, resourceVersion, this.now());
      }
      after = page.at(-1)?.id;
      if (page.length < PAGE) return;
    }
  }
}
