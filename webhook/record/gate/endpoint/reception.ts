import { messageOf } from '../../../../shared/errors.ts';
import { isObject, stringifyJson } from '../../../../shared/json.ts';
import type { Redactor } from '../../../../shared/redact.ts';
import { namespaceOf, readReview, requireRecordable, type Review } from '../../../../shared/review.ts';
import type { Json } from '../../../../shared/types.ts';
import type { Predicates } from '../../rules/predicates.ts';
import type { Spool } from '../../spool/spool.ts';
import { documentOf } from '../../review/document.ts';
import { readHead } from '../../review/review-head.ts';

/** What must be known of a review until it is answered. Not the review: under load most of the memory would be theirs. */
export interface Received {
  uid: string;
  isPerson: boolean;
  /** Resolves when the review may be answered as recorded. */
  settled: Promise<Reception>;
}

/** What was done with a review before it is answered. */
export type Reception = 'spooled' | 'dry-run' | 'excluded';

/** Reads reviews as far as an answer needs it, and leaves those that are to be recorded in the spool. */
export class Receiver {
  constructor(
    private readonly predicates: Predicates,
    private readonly redactor: Redactor,
    private readonly spool: Pick<Spool, 'add'>,
  ) {}

  /**
   * Throws KubeblameError json-*, or review-invalid: then it is no review. Of most, the objects are read only when it is answered
   * (docs/decisions/0029). `at`: when it came (ms).
   */
  receive(body: Buffer, at: number): Received {
    const review = readHead(body) ?? readReview(documentOf(body));
    return { uid: review.uid, isPerson: isPerson(review), settled: this.keep(body, at, review) };
  }

  private keep(body: Buffer, at: number, review: Review): Promise<Reception> {
    const leftOut = this.predicates.leftOut(review);
    if (leftOut !== null) return Promise.resolve(leftOut);
    let redacted: Buffer | null;
    try {
      requireRecordable(review);
      redacted = this.redacted(body, review);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(messageOf(error)));
    }
    return this.add({ at, redacted: redacted !== null, body: redacted ?? body });
  }

  /** By itself: whatever an async function was given stays in memory as long as it waits. */
  private async add(entry: Parameters<Spool['add']>[0]): Promise<Reception> {
    await this.spool.add(entry);
    return 'spooled';
  }

  /** The review without confidential values, which reach no disk; null where it has none. */
  private redacted(body: Buffer, review: Review): Buffer | null {
    const { resource, operation } = review;
    const covered = this.redactor.covers(resource, body);
    if (!covered && operation !== 'CONNECT' && !this.redactor.mayMatch(resource, body)) return null;
    const document = documentOf(body);
    // What is no review must not be written: it would be redacted in part.
    readReview(document);
    if (!isObject(document) || !isObject(document.request)) return null;
    const { object = null, oldObject = null } = document.request;
    const clean = (value: Json, other: Json): Json =>
      isObject(value)
        ? this.redactor.redact(value, resource, isObject(other) ? other : null, namespaceOf(review))
        : value;
    const request = {
      ...document.request,
      object: clean(object, oldObject),
      oldObject: clean(oldObject, object),
    };
    if (!covered && request.object === object && request.oldObject === oldObject) return null;
    return Buffer.from(stringifyJson({ ...document, request }));
  }
}

/** Whether somebody may read a warning. */
export function isPerson({ actor }: Review): boolean {
  return !actor.username.startsWith('system:');
}
