import { KubeblameError } from '../../../../shared/errors.ts';
import { BUILT_IN_TYPES } from '../../../../shared/built-in-types.ts';
import { compareResourceVersions } from '../../../../shared/resource-version.ts';
import { metadataText } from '../../../../shared/normalise.ts';
import { formatUtc } from '../../../../shared/time.ts';
import { requireRecordable, type Review } from '../../../../shared/review.ts';
import { lossText } from '../../../ledger/port/intervals.ts';
import type { Recorded } from '../../capture/recorder/options.ts';
import type { Recorder } from '../../capture/recorder/recorder.ts';
import type { Predicates } from '../../rules/predicates.ts';
import type { LedgerStore } from '../../../ledger/port/port.ts';
import { readObjects, readWatch, type ObservedObject } from './formats/documents.ts';
import { changesNothing } from './changes-nothing.ts';
import { Flow } from './flow.ts';
import { inOrder, MAX_LATE_LINES, MAX_LATE_MS, type Ordered } from './formats/in-order.ts';
import { KnownReviews } from './known-reviews.ts';
import { inputError, STDIN } from '../../../platform/files/lines.ts';
import { readReviews, type BadLine } from './formats/reviews.ts';

/** Files, or anything that can be read from its beginning to its end; `-` is the standard input. */
export interface ImportInput {
  reviews: string;
  baseline?: string;
  /** When the baseline was true (ms); the first review's time by default. */
  baselineAt?: number;
  watch?: string;
}

/** What became of a review of a recording. */
export type Imported = Recorded | 'already there' | 'lost';

/** Objects or events: all that are to be recorded, and how many of them the ledger had already. */
export interface FactCount {
  all: number;
  known: number;
}

export interface ImportResult {
  /** Reviews by what became of them. */
  reviews: Record<Imported, number>;
  baseline: FactCount;
  watchEvents: FactCount;
  /** Lines that were passed over. */
  badLines: number;
}

export interface ImportOptions {
  recorder: Recorder;
  store: LedgerStore;
  predicates: Predicates;
  /** Called with each line that cannot be used. Where it throws, the import stops. */
  bad: BadLine;
  /** Called with each review that an API server may send, and that cannot be recorded. */
  lost?: BadLine;
  /** Called after each review with the number so far. */
  progress?: (reviews: number) => void;
}

/**
 * Appends recorded traffic with its recorded times, through the same path as live traffic, in the order of time. The baseline comes
 * in at its moment. Watch events have no times: each comes in before the first review that shows a later resourceVersion, which
 * it therefore came before. What the ledger has already is not taken again; what is new and older than the end of the ledger
 * cannot be. Rejects with input-invalid, ledger-out-of-order, and what the recorder rejects with. docs/decisions/0032.
 */
export async function importRecording(input: ImportInput, options: ImportOptions): Promise<ImportResult> {
  return new Import(input, options).run();
}

class Import {
  private readonly result: ImportResult = {
    reviews: { recorded: 0, unchanged: 0, excluded: 0, 'dry-run': 0, 'already there': 0, lost: 0 },
    baseline: { all: 0, known: 0 },
    watchEvents: { all: 0, known: 0 },
    badLines: 0,
  };
  private readonly flow = new Flow();
  private readonly known: KnownReviews;
  /** The time (ms) of the last change of the ledger, as it was found: nothing can be put before it. */
  private end = -Infinity;
  /** Up to this moment (ms) the ledger tells that it was recorded. */
  private reach = -Infinity;
  /** Whether there was anything that the ledger did not have. */
  private begun = false;
  /** The time of the last review, and the newest version that one showed. */
  private now = 0;
  private newest = '';
  private baseline: ObservedObject[] | null = null;
  private events: ObservedObject[] = [];
  private nextEvent = 0;

  constructor(
    private readonly input: ImportInput,
    private readonly options: ImportOptions,
  ) {
    this.known = new KnownReviews(options.store, () => this.flow.done());
  }

  private readonly bad: BadLine = (error) => {
    this.options.bad(error);
    this.result.badLines++;
  };

  async run(): Promise<ImportResult> {
    const { input, options } = this;
    requireOneStdin(input);
    const { store, predicates, recorder } = options;
    this.end = (await store.last())?.at ?? -Infinity;
    this.reach = Math.max(this.end, (await store.coverage()).at(-1)?.at ?? -Infinity);
    const wanted = ({ object }: ObservedObject): boolean => !predicates.skipsResource(object.group, object.resource);
    const objects = input.baseline === undefined ? [] : await collect(readObjects(input.baseline, this.bad, pluralOf));
    this.baseline = objects.filter(wanted);
    const watched = input.watch === undefined ? [] : await readWatch(input.watch, this.bad);
    this.events = orderByVersion(watched).filter(wanted);

    let count = 0;
    for await (const item of inOrder(readReviews(input.reviews, this.bad))) {
      if (item.behind === null) await this.comeTo(item);
      await this.take(item);
      count++;
      options.progress?.(count);
    }
    if (count === 0 && input.baselineAt === undefined && objects.some(wanted)) {
      throw new KubeblameError(
        'input-invalid',
        `${input.reviews} has no review, whose time the baseline could have`,
        'say when the baseline was true: --baseline-at TIME',
      );
    }
    await this.takeBaseline(Math.max(input.baselineAt ?? this.now, this.now));
    await this.takeEvents(null);
    await this.flow.done();
    await recorder.contentsEnded();
    if (!this.begun) return this.result;
    if (input.watch !== undefined) {
      const types = new Set(watched.map(({ object }) => `${object.resource}.${object.group}`));
      await recorder.settleUnseen(({ object }) => types.has(`${object.resource}.${object.group}`), this.now);
    }
    await recorder.cover('stopped', 'the imported recording ends here', Math.max(this.now, this.reach));
    return this.result;
  }

  /** Takes in what was before a review. */
  private async comeTo({ at, review }: Ordered): Promise<void> {
    const baselineAt = this.input.baselineAt ?? at;
    if (at >= baselineAt) await this.takeBaseline(baselineAt);
    if (at > this.reach) await this.begin(at);
    this.now = at;
    const shown = versionShown(review);
    if (shown === '' || (this.newest !== '' && compareResourceVersions(shown, this.newest) <= 0)) return;
    this.newest = shown;
    await this.takeEvents(shown);
  }

  /** From here on things are new. */
  private async begin(at: number): Promise<void> {
    if (this.begun) return;
    this.begun = true;
    await this.flow.done();
    await this.options.recorder.cover('started', 'imported recording', Math.max(at, this.reach));
  }

  private async take(item: Ordered): Promise<void> {
    const { review, at, bytes } = item;
    const { reviews } = this.result;
    const { recorder, predicates } = this.options;
    const leftOut = predicates.leftOut(review);
    if (leftOut !== null) {
      reviews[leftOut]++;
      return;
    }
    const status = await this.statusOf(item);
    if (status === 'bad') return;
    if (status !== 'new') {
      reviews[status]++;
      if (status === 'lost' && at > this.reach) await this.flow.add(recorder.cover('lost', lossText(1), at));
      return;
    }
    await this.begin(at);
    this.known.add(review, at);
    await this.flow.add(recorder.record(review, at, bytes).then((recorded) => void reviews[recorded]++));
  }

  /** What a review is to the ledger. Rejects with ledger-out-of-order where it would have to be put before the end of it. */
  private async statusOf({ place, review, at, behind }: Ordered): Promise<Imported | 'new' | 'bad'> {
    try {
      requireRecordable(review);
      if (await this.known.has(review, at)) return 'already there';
    } catch (error) {
      if (!(error instanceof KubeblameError)) throw error;
      if (error.code === 'review-incomplete') {
        this.options.lost?.(inputError(place, error.message, error));
        return 'lost';
      }
      if (error.code !== 'review-invalid') throw error;
      this.bad(inputError(place, error.message, error, error.hint));
      return 'bad';
    }
    if (behind === null && at > this.reach) return 'new';
    // It may have been taken before: nothing tells of it.
    if (await changesNothing(review, at, this.options.store)) return 'unchanged';
    if (behind === null && at >= this.end) return 'new';
    const received = `received at ${formatUtc(at)}`;
    if (behind === null) {
      throw outOfOrder(
        `${place.file}, line ${place.number}: ${received}, the ledger already reaches ${formatUtc(this.end)}`,
      );
    }
    const bound = `at most ${MAX_LATE_LINES} lines and ${MAX_LATE_MS / 1000} seconds`;
    const what = `${received}, after a review of ${formatUtc(behind)}: a line may come ${bound} after its turn`;
    this.bad(
      inputError(place, what, undefined, 'sort the file by receivedAt, or pass the line over with --keep-going'),
    );
    return 'bad';
  }

  private async takeBaseline(at: number): Promise<void> {
    for (const fact of this.baseline ?? []) await this.observe(fact, at, this.result.baseline);
    this.baseline = null;
  }

  /** Takes in the events up to a version; all where it is null. */
  private async takeEvents(upTo: string | null): Promise<void> {
    for (let event = this.events[this.nextEvent]; event !== undefined; event = this.events[++this.nextEvent]) {
      if (upTo !== null && compareResourceVersions(event.seen.resourceVersion, upTo) > 0) return;
      await this.observe(event, this.now, this.result.watchEvents);
    }
  }

  private async observe({ object, seen, gone }: ObservedObject, at: number, count: FactCount): Promise<void> {
    const { recorder } = this.options;
    count.all++;
    if (at <= this.reach) {
      // What was taken before it may tell it.
      await this.flow.done();
      if (await recorder.hasFact(object, seen, gone)) {
        count.known++;
        return;
      }
      if (at < this.end) {
        const file = count === this.result.baseline ? this.input.baseline : this.input.watch;
        const what = `${object.resource} ${object.name} at version ${seen.resourceVersion}, of ${formatUtc(at)}`;
        throw outOfOrder(`${file ?? ''}: ${what}, is not in the ledger, which already reaches ${formatUtc(this.end)}`);
      }
    }
    await this.begin(at);
    await this.flow.add(
      gone ? recorder.observeGone(object, seen.resourceVersion, at) : recorder.observe(object, seen, at),
    );
  }
}

function outOfOrder(what: string): KubeblameError {
  return new KubeblameError(
    'ledger-out-of-order',
    what,
    'a ledger only grows at its end: import the recordings into a new one (--db FILE), in the order of their times',
  );
}

function requireOneStdin({ reviews, baseline, watch }: ImportInput): void {
  if ([reviews, baseline, watch].filter((file) => file === STDIN).length < 2) return;
  throw new KubeblameError(
    'input-invalid',
    'only one input can be the standard input (-)',
    'name a file for the other',
  );
}

/** The plural of a built-in kind; null for others, whose definition tells. */
function pluralOf(group: string, kind: string): string | null {
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

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}
