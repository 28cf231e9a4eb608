import { createHash } from 'node:crypto';
import { shopLines } from '../../../../shared/testing/shop.ts';

/** In no ledger, so not counted in the audit log either. */
export const SKIPPED: ReadonlySet<string> = new Set(['leases', 'events', 'endpoints']);

interface Recorded {
  review: {
    request: {
      resource: { resource: string };
      name?: string;
      namespace?: string;
      object?: { metadata?: { name?: string } } | null;
      oldObject?: { metadata?: { name?: string } } | null;
    };
  };
}

/**
 * The recording's reviews, `rounds` times over, as whole HTTP requests in `count` lanes. As a cluster sends them: an
 * object's reviews come one after another, so they are in one lane; each round is about objects of its own, in
 * namespaces and with uids of its own. Two salts give two sets of objects.
 */
export function lanesOf(count: number, rounds: number, salt: number): Buffer[][] {
  const lanes: Buffer[][] = Array.from({ length: count }, () => []);
  const recorded = shopLines('reviews.ndjson.gz')
    .map((line) => JSON.parse(line) as Recorded)
    .filter(({ review }) => !SKIPPED.has(review.request.resource.resource));
  for (let round = 0; round < rounds; round++) {
    const mark = (salt * 1000 + round).toString(16).padStart(6, '0');
    for (const { review } of recorded) {
      const { resource, name, namespace = '', object, oldObject } = review.request;
      const key = `${resource.resource}/${namespace}/${name ?? object?.metadata?.name ?? oldObject?.metadata?.name ?? ''}`;
      const text = JSON.stringify(review)
        .replace(/"uid":"[0-9a-f]{6}/g, `"uid":"${mark}`)
        .replace(/"namespace":"/g, `"namespace":"r${mark}-`);
      lanes[hash(mark + key) % count]?.push(request(text));
    }
  }
  // A connection without a request would only time out.
  return lanes.filter((lane) => lane.length > 0);
}

function request(text: string): Buffer {
  const head = `POST /admit HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n`;
  return Buffer.from(head + text);
}

function hash(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0);
}
