import { KubeblameError } from '../../../../shared/errors.ts';
import { nameOf, type Review } from '../../../../shared/review.ts';
import type { LedgerStore } from '../../../ledger/port/port.ts';

/** A review is looked for among what was received so long before and after it (ms): another recorder had another clock. */
const NEAR_MS = 10 * 60_000;
const PAGE = 1000;

interface Known {
  at: number;
  /** What the request was about: a uid that comes twice with another one is not unique. */
  request: string;
}

/**
 * Tells which reviews were taken before, by their uids: those in the ledger, and those of this import. Goes through the ledger beside
 * the input, which is in the order of time, too: an index of uids would be a tenth of a ledger.
 */
export class KnownReviews {
  /** By uid, of what was received from `from` on, and in the ledger up to change `read`. */
  private readonly near = new Map<string, Known>();
  private from = Infinity;
  private read = 0;
  private readAt = -Infinity;
  private lastSeq = 0;

  /** `settled`: resolves when all that was taken is in the ledger. */
  constructor(
    private readonly store: Pick<LedgerStore, 'changes' | 'last' | 'seqAt'>,
    private readonly settled: () => Promise<void>,
  ) {}

  /** Whether a review was taken before. Rejects with review-invalid where its uid is that of another request. */
  async has(review: Review, at: number): Promise<boolean> {
    if (at < this.from) await this.begin(at - NEAR_MS);
    while (this.read < this.lastSeq && this.readAt <= at + NEAR_MS) await this.readOn();
    this.from = Math.max(this.from, at - NEAR_MS);
    for (const [uid, known] of this.near) {
      if (known.at >= this.from) break;
      this.near.delete(uid);
    }
    const known = this.near.get(review.uid);
    if (known === undefined) return false;
    const request = requestOf(review);
    if (known.request === request) return true;
    throw new KubeblameError(
      'review-invalid',
      `the uid ${review.uid} of this ${request} is also that of a ${known.request}`,
      'each review must have a uid of its own',
    );
  }

  /** Takes note of a review that is being recorded. */
  add(review: Review, at: number): void {
    this.near.set(review.uid, { at, request: requestOf(review) });
  }

  private async begin(from: number): Promise<void> {
    await this.settled();
    this.near.clear();
    this.from = from;
    this.lastSeq = (await this.store.last())?.seq ?? 0;
    this.read = await this.store.seqAt(from - 1);
    this.readAt = -Infinity;
  }

  private async readOn(): Promise<void> {
    const maxSeq = Math.min(this.read + PAGE, this.lastSeq);
    const changes = await this.store.changes({ minSeq: this.read + 1, maxSeq }, PAGE);
    for (const { reviewUid, at, operation, subresource, object } of changes.reverse()) {
      this.readAt = at;
      if (reviewUid !== '') this.near.set(reviewUid, { at, request: describe(operation, object, subresource) });
    }
    this.read = maxSeq;
  }
}

function requestOf(review: Review): string {
  const { operation, resource, subresource } = review;
  return describe(operation, { ...resource, name: nameOf(review) }, subresource);
}

function describe(
  operation: string,
  { group, resource, name }: { group: string; resource: string; name: string },
  subresource: string,
): string {
  const type = `${resource}${group === '' ? '' : `.${group}`}`;
  return `${operation} of ${type} ${name}${subresource === '' ? '' : `/${subresource}`}`;
}
