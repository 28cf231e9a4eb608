import { KubeblameError } from '../../shared/errors.ts';
import { BUILT_IN_TYPES } from '../../shared/built-in-types.ts';
import { compareResourceVersions } from '../../shared/resource-version.ts';
import { metadataText } from '../../shared/normalise.ts';
import type { Review } from '../../shared/review.ts';
import type { Recorded, Recorder } from '../capture/recorder.ts';
import type { Predicates } from '../capture/predicates.ts';
import type { LedgerStore } from '../store/port.ts';
import { readObjects, readReviews, readWatch, type BadLine, type ObservedObject } from './documents.ts';

export interface ImportInput {
  reviews: string;
  baseline?: string;
  /** When the baseline was true (ms); the first review's time by default. */
  baselineAt?: number;
  watch?: string;
}

export interface ImportResult {
  /** Reviews by what became of them. */
  reviews: Record<Recorded, number>;
  baseline: number;
  watchEvents: number;
  /** Lines that were passed over. */
  badLines: number;
}

export interface ImportOptions {
  recorder: Recorder;
  store: LedgerStore;
  predicates: Predicates;
  /** Called with each line that cannot be used. Where it throws, the import stops. */
  bad: BadLine;
  /** Called after each review with the number so far. */
  progress?: (reviews: number) => void;
}

/** So many reviews wait for their commit at once: they share it. */
const IN_FLIGHT = 256;

/**
 * Appends recorded traffic with its recorded times, through the same path as live traffic. The baseline comes in at its
 * moment. Watch events have no times: each comes in before the first review that shows a later resourceVersion, which
 * it therefore came before. Rejects with input-invalid, ledger-out-of-order, and what the recorder rejects with.
 */
export async function importRecording(input: ImportInput, options: ImportOptions): Promise<ImportResult> {
  const { recorder, store, predicates } = options;
  const result: ImportResult = {
    reviews: { recorded: 0, unchanged: 0, excluded: 0, 'dry-run': 0 },
    baseline: 0,
    watchEvents: 0,
    badLines: 0,
  };
  const bad: BadLine = (error) => {
    options.bad(error);
    result.badLines++;
  };
  const last = await store.last();
  const objects = input.baseline === undefined ? [] : await collect(readObjects(input.baseline, bad, resourceOfKind));
  const events = input.watch === undefined ? [] : orderByVersion(await readWatch(input.watch, bad));
  const wanted = ({ object }: ObservedObject): boolean => !predicates.skipsResource(object.group, object.resource);
  const flow = new Flow();

  let baseline: ObservedObject[] | null = objects.filter(wanted);
  let newest = '';
  let next = 0;
  let now = 0;
  const takeBaseline = async (at: number): Promise<void> => {
    for (const { object, seen } of baseline ?? []) await flow.add(recorder.observe(object, seen, at));
    result.baseline += baseline?.length ?? 0;
    baseline = null;
  };
  const takeEvents = async (upTo: string | null): Promise<void> => {
    for (let event = events[next]; event !== undefined; event = events[++next]) {
      if (upTo !== null && compareResourceVersions(event.seen.resourceVersion, upTo) > 0) return;
      if (!wanted(event)) continue;
      const { object, seen } = event;
      await flow.add(
        event.gone ? recorder.observeGone(object, seen.resourceVersion, now) : recorder.observe(object, seen, now),
      );
      result.watchEvents++;
    }
  };

  let count = 0;
  for await (const { line, review, at, bytes } of readReviews(input.reviews, bad)) {
    if (count === 0) {
      const first = Math.min(at, input.baselineAt ?? at);
      requireOrder(last, first, line.file);
      await recorder.cover('started', 'imported recording', first);
    }
    if (baseline !== null && at >= (input.baselineAt ?? at)) await takeBaseline(input.baselineAt ?? at);
    now = at;
    const shown = versionShown(review);
    if (shown !== '' && (newest === '' || compareResourceVersions(shown, newest) > 0)) {
      newest = shown;
      await takeEvents(newest);
    }
    await flow.add(recorder.record(review, at, bytes).then((recorded) => void result.reviews[recorded]++));
    count++;
    options.progress?.(count);
  }
  if (baseline !== null && input.baselineAt === undefined && count === 0 && baseline.length > 0) {
    throw new KubeblameError(
      'input-invalid',
      `${input.reviews} has no review, whose time the baseline could have`,
      'say when the baseline was true: --baseline-at TIME',
    );
  }
  if (baseline !== null) await takeBaseline(Math.max(input.baselineAt ?? now, now));
  await takeEvents(null);
  await flow.done();
  await recorder.contentsEnded();
  if (input.watch !== undefined) {
    const watched = new Set(events.map(({ object }) => `${object.resource}.${object.group}`));
    await recorder.settleUnseen(({ object }) => watched.has(`${object.resource}.${object.group}`), now);
  }
  if (count > 0) await recorder.cover('stopped', 'the imported recording ends here', now);
  return result;
}

/** The plural of a built-in kind; null for others, whose definition tells. */
function resourceOfKind(group: string, kind: string): string | null {
  return BUILT_IN_TYPES.find((type) => type.group === group && type.kind === kind)?.resource ?? null;
}

/** The version that a review proves to have existed before it. */
function versionShown(review: Review): string {
  return review.oldObject?.resourceVersion ?? '';
}

/** An event of an object without a resourceVersion cannot be placed, and none of a real API server is. */
function orderByVersion(events: ObservedObject[]): ObservedObject[] {
  return events
    .filter(({ seen }) => seen.resourceVersion !== '' && metadataText(seen.body, 'uid') !== '')
    .sort((a, b) => compareResourceVersions(a.seen.resourceVersion, b.seen.resourceVersion));
}

function requireOrder(last: { at: number } | null, first: number, file: string): void {
  // At the same moment too: a recording of one moment would be taken twice.
  if (last === null || first > last.at) return;
  throw new KubeblameError(
    'ledger-out-of-order',
    `${file} begins at ${new Date(first).toISOString()}, the ledger already reaches ${new Date(last.at).toISOString()}`,
    'import it into a new ledger: --db FILE',
  );
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** Lets some promises be under way at once, and rejects as the first that fails. */
class Flow {
  private readonly open = new Set<Promise<void>>();
  private failure: { error: unknown } | null = null;

  async add(work: Promise<void>): Promise<void> {
    const tracked: Promise<void> = work
      .catch((error: unknown) => {
        this.failure ??= { error };
      })
      .finally(() => this.open.delete(tracked));
    this.open.add(tracked);
    if (this.open.size >= IN_FLIGHT) await Promise.race(this.open);
    this.check();
  }

  async done(): Promise<void> {
    await Promise.all(this.open);
    this.check();
  }

  private check(): void {
    if (this.failure !== null) throw this.failure.error;
  }
}
