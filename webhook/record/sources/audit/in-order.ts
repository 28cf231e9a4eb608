import { compareResourceVersions } from '../../../../shared/resource-version.ts';
import type { AuditedRequest } from '../../capture/audit/audited-request.ts';
import type { Place } from '../../../platform/files/lines.ts';

/** A request with the place where it was read, and its size. */
export interface PlacedRequest {
  request: AuditedRequest;
  place: Place;
  bytes: number;
}

/**
 * Puts requests into the order in which they were answered, as far as so many bytes of text may wait: API servers log in that order for the
 * most part, and a file of each may be read at once. Of one object the order is that of its versions.
 */
export class InOrder {
  private readonly waiting: PlacedRequest[] = [];
  private bytes = 0;

  constructor(private readonly maxBytes: number) {}

  get size(): number {
    return this.waiting.length;
  }

  /** Takes one more; gives those whose turn it is. */
  *add(item: PlacedRequest): Generator<PlacedRequest> {
    this.hold(item);
    while (this.bytes > this.maxBytes) yield* this.take(Math.ceil(this.waiting.length / 2));
  }

  /** Takes one more, and gives none. */
  hold(item: PlacedRequest): void {
    let [low, high] = [0, this.waiting.length];
    const at = item.request.record.answeredAt;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.waiting[middle]?.request.record.answeredAt ?? 0) <= at) low = middle + 1;
      else high = middle;
    }
    this.waiting.splice(low, 0, item);
    this.bytes += item.bytes;
  }

  /** Gives all that wait. */
  *rest(): Generator<PlacedRequest> {
    yield* this.take(this.waiting.length);
  }

  private take(count: number): PlacedRequest[] {
    const taken = this.waiting.splice(0, count);
    for (const { bytes } of taken) this.bytes -= bytes;
    return byVersion(taken);
  }
}

/** In the places that an object's requests have, they come in the order of their versions. */
export function byVersion(items: readonly PlacedRequest[]): PlacedRequest[] {
  const places = new Map<string, number[]>();
  for (const [index, { request }] of items.entries()) {
    const uid = request.shown === null ? '' : request.object.uid;
    if (uid === '') continue;
    const known = places.get(uid);
    if (known === undefined) places.set(uid, [index]);
    else known.push(index);
  }
  const sorted = [...items];
  for (const indexes of places.values()) {
    if (indexes.length < 2) continue;
    const own = indexes.map((index) => items[index]).filter((item) => item !== undefined);
    own.sort((a, b) => compareResourceVersions(versionOf(a), versionOf(b)));
    for (const [place, index] of indexes.entries()) {
      const item = own[place];
      if (item !== undefined) sorted[index] = item;
    }
  }
  return sorted;
}

function versionOf({ request }: PlacedRequest): string {
  return request.shown?.resourceVersion ?? '';
}
