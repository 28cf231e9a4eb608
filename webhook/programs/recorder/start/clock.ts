import { ClockWatch } from '../../../platform/clock/clock-watch.ts';
import { timeOf } from '../../../platform/kubernetes/api-client.ts';
import type { Recorder } from '../../../record/capture/recorder/recorder.ts';
import type { Setting } from './setting.ts';

export interface WatchedClock {
  /** Why the time may be wrong; null where nothing says so. */
  readonly doubt: string | null;
  /** Tells the ledger what there was to tell of the clock, and what there will be. */
  tellTo(recorder: Recorder): void;
}

/** Watches the clock, before anything is dated. `newestAt`: the time of the newest change in the ledger (ms). */
export async function watchClock(setting: Setting, newestAt: number | null): Promise<WatchedClock> {
  const { clock, client, closers, log, now } = setting;
  const events: string[] = [];
  let tell = (detail: string): void => void events.push(detail);
  const watch = new ClockWatch({ clock, newestAt, tell: (detail) => tell(detail) });
  watch.start(client === null ? null : await timeOf(client));
  closers.add(() => watch.close());
  if (client !== null) client.dated = (at) => watch.see(at);
  return {
    get doubt() {
      return watch.doubt;
    },
    tellTo(recorder) {
      tell = (detail) => {
        log.warn({ detail }, 'clock');
        // Where it cannot be written, the log has it.
        recorder.cover('clock', detail, now()).catch(() => undefined);
      };
      for (const detail of events) tell(detail);
    },
  };
}
