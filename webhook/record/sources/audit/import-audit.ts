import type { KubeblameError } from '../../../../shared/errors.ts';
import type { Audited } from '../../capture/audit/audited-request.ts';
import type { Recorder } from '../../capture/recorder/recorder.ts';
import { Flow } from '../recordings/flow.ts';
import { InOrder, type PlacedRequest } from './in-order.ts';
import { readRequests, type BadEvent } from './formats/read-requests.ts';
import type { PassedOver } from './formats/event.ts';

/** What became of what was read. */
export interface AuditCounts {
  /** Requests for changes, by what became of them. */
  requests: Record<Audited | 'excluded', number>;
  /** Events that are no such requests. */
  passedOver: Record<PassedOver, number>;
  /** Lines and events that cannot be used. */
  bad: number;
}

export function noCounts(): AuditCounts {
  return {
    requests: { enriched: 0, recorded: 0, refused: 0, 'already there': 0, unchanged: 0, ambiguous: 0, excluded: 0 },
    passedOver: {
      'another stage': 0,
      'a reading request': 0,
      'a refused reading request': 0,
      'a dry run': 0,
      'about no object': 0,
    },
    bad: 0,
  };
}

/** What became of an audit log, for people, on one line. */
export function describeAudit({ requests, passedOver, bad }: AuditCounts): string {
  const parts: [count: number, what: string][] = [
    [requests.recorded, 'requests recorded'],
    [requests.enriched, 'told more of changes that were known'],
    [requests.refused, 'refused requests recorded'],
    [requests.unchanged, 'changed nothing'],
    [requests['already there'], 'already there'],
    [requests.ambiguous, 'may be of several reviews, and are told of none'],
    [requests.excluded, 'excluded by rules'],
    [passedOver['a dry run'], 'dry runs'],
    [passedOver['a reading request'], 'reading requests'],
    [passedOver['a refused reading request'], 'refused reading requests, which are not recorded'],
    [passedOver['about no object'], 'about no object'],
    [passedOver['another stage'], 'of another stage'],
    [bad, 'that cannot be used: a gap'],
  ];
  return `audit log: ${parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`).join(', ') || 'nothing in it'}`; // prettier-ignore
}

/** Text that waits for its turn (bytes); as objects in memory it takes some times as much. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

export interface AuditImportOptions {
  recorder: Recorder;
  /** Told of each line or event that cannot be used. It is passed over, and the coverage tells of it. */
  bad: BadEvent;
  /** Called after each request with the number so far. */
  progress?: (requests: number) => void;
}

/**
 * Takes in audit logs of one cluster: those of several API servers at once, in the order in which requests were answered. What is
 * in the ledger already is not taken again. Rejects with what the recorder rejects with, and input-invalid where a file cannot be read at all.
 */
export async function importAudit(
  files: readonly string[],
  { recorder, bad, progress }: AuditImportOptions,
): Promise<AuditCounts> {
  const counts = noCounts();
  const flow = new Flow();
  const order = new InOrder(MAX_WAITING_BYTES);
  let [taken, last] = [0, 0];
  const told = {
    bad: (error: KubeblameError): void => {
      counts.bad++;
      bad(error);
    },
    passedOver: (why: PassedOver): void => void counts.passedOver[why]++,
  };
  const take = async ({ request }: PlacedRequest): Promise<void> => {
    last = Math.max(last, Math.floor(request.record.answeredAt));
    await flow.add(recorder.audit(request).then((result) => void counts.requests[result]++));
    progress?.(++taken);
  };
  for await (const item of merged(files.map((file) => readRequests(file, told)))) {
    for (const due of order.add(item)) await take(due);
  }
  for (const due of order.rest()) await take(due);
  await flow.done();
  await recorder.contentsEnded();
  if (counts.bad > 0) await recorder.cover('lost', unusable(counts.bad), last);
  return counts;
}

/** What the coverage says of events that are missing in the ledger. */
export function unusable(count: number): string {
  return `in an audit log: ${count} ${count === 1 ? 'event' : 'events'} could not be used`;
}

/** The requests of several files, always the oldest of those that come next. */
export async function* merged(sources: readonly AsyncGenerator<PlacedRequest>[]): AsyncGenerator<PlacedRequest> {
  const heads: { source: AsyncGenerator<PlacedRequest>; item: PlacedRequest }[] = [];
  for (const source of sources) {
    const first = await source.next();
    if (first.done !== true) heads.push({ source, item: first.value });
  }
  for (;;) {
    const oldest = heads.reduce<(typeof heads)[number] | null>((best, head) => {
      const isOlder = best === null || head.item.request.record.answeredAt < best.item.request.record.answeredAt;
      return isOlder ? head : best;
    }, null);
    if (oldest === null) return;
    yield oldest.item;
    const next = await oldest.source.next();
    if (next.done === true) heads.splice(heads.indexOf(oldest), 1);
    else oldest.item = next.value;
  }
}
