/** The changes of one object, namespace or user: a stretch of an index, in the order of seq. */
export interface Stream {
  column: 'object_id' | 'namespace_id' | 'actor_id';
  id: number;
  /** Only from a seq on, up to another. */
  from?: number;
  to?: number;
}

/**
 * Of more streams than this it is cheaper to go back through the ledger itself: so many objects have a good share of its
 * changes.
 */
export const MAX_STREAMS = 5_000;

/**
 * The seqs of all streams, the newest first, each once. SQLite, asked for several ids in one statement, collects all
 * that they have and sorts it; this looks up one seq a stream, and one more for each that is taken. `seek` gives a
 * stream's last seq that is not beyond another; 0 where there is none.
 */
export function* newestOf(
  streams: readonly Stream[],
  seek: (stream: Stream, maxSeq: number) => number,
  maxSeq: number,
): Generator<number> {
  const heads = streams
    .map((stream) => ({ stream, seq: seek(stream, maxSeq) }))
    .filter(({ seq }) => seq > 0)
    .sort((a, b) => a.seq - b.seq);
  let last = 0;
  for (let head = heads.pop(); head !== undefined; head = heads.pop()) {
    const { stream, seq } = head;
    if (seq !== last) yield seq;
    last = seq;
    const next = seek(stream, seq - 1);
    if (next > 0) insert(heads, { stream, seq: next });
  }
}

interface Head {
  stream: Stream;
  seq: number;
}

/** Keeps the list sorted, the newest last. */
function insert(heads: Head[], head: Head): void {
  let [low, high] = [0, heads.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((heads[middle]?.seq ?? 0) < head.seq) low = middle + 1;
    else high = middle;
  }
  heads.splice(low, 0, head);
}
