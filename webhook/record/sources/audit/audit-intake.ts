import type { KubeblameError } from '../../../../shared/errors.ts';
import type { Json } from '../../../../shared/types.ts';
import type { Line, Place } from '../../../platform/files/lines.ts';
import type { Recorder } from '../../capture/recorder/recorder.ts';
import { Flow } from '../recordings/flow.ts';
import type { PassedOver } from './formats/event.ts';
import { noCounts, unusable, type AuditCounts } from './import-audit.ts';
import { InOrder, type PlacedRequest } from './in-order.ts';
import { requestsIn, requestsOfLine } from './formats/read-requests.ts';

export interface AuditIntakeOptions {
  recorder: Recorder;
  now: () => number;
  /** Told of each line or event that cannot be used. It is passed over, and the coverage tells of it. */
  bad: (error: KubeblameError) => void;
  /** Told of each event, and of what became of it. */
  count?: (result: AuditResult) => void;
}

/** What becomes of an event; `unusable`: it is a gap. */
export type AuditResult = keyof AuditCounts['requests'] | 'passed over' | 'unusable';

/** Takes in audit events as they come, a batch at a time, each in the order in which its requests were answered. */
export class AuditIntake {
  readonly counts: AuditCounts = noCounts();

  constructor(private readonly options: AuditIntakeOptions) {}

  /** Resolves when all that is in the lines is in the ledger. Rejects with what the recorder rejects with: then they are to be given again. */
  lines(lines: readonly Line[]): Promise<void> {
    return this.take((told) => lines.flatMap((line) => [...requestsOfLine(line, told)]));
  }

  /** The same, of a document: an EventList, as an audit webhook posts it. */
  document(document: Json, place: Place, bytes: number): Promise<void> {
    return this.take((told) => [...requestsIn(document, place, bytes, told)]);
  }

  /** Tells of something that could not be read at all. */
  async unusable(error: KubeblameError): Promise<void> {
    await this.take((told) => {
      told.bad(error);
      return [];
    });
  }

  private async take(read: (told: Told) => PlacedRequest[]): Promise<void> {
    const { recorder, now, bad, count } = this.options;
    const lost: KubeblameError[] = [];
    const passed: PassedOver[] = [];
    const order = new InOrder(Infinity);
    const items = read({ bad: (error) => void lost.push(error), passedOver: (why) => void passed.push(why) });
    // Nothing has its turn before all of it is there.
    for (const item of items) order.hold(item);
    const flow = new Flow();
    for (const { request } of order.rest()) {
      await flow.add(
        recorder.audit(request).then((result) => {
          this.counts.requests[result]++;
          count?.(result);
        }),
      );
    }
    await flow.done();
    for (const why of passed) {
      this.counts.passedOver[why]++;
      count?.('passed over');
    }
    if (lost.length === 0) return;
    this.counts.bad += lost.length;
    for (const error of lost) {
      bad(error);
      count?.('unusable');
    }
    await recorder.cover('lost', unusable(lost.length), now());
  }
}

interface Told {
  bad: (error: KubeblameError) => void;
  passedOver: (why: PassedOver) => void;
}
