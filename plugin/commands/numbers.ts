import { KubeblameError } from '../../shared/errors.ts';
import type { Change, LedgerReader } from '../../shared/types.ts';
import { printable } from '../views/text.ts';

/** At most so many at once: a command line, and not a report. */
const MAX_IDS = 500;

/**
 * Changes by their ids, as tables show them (also `1204,1207-1209`), in the order given. With a `namespace`, what is in
 * another one is refused: -n says where somebody believes to be. Rejects with usage-invalid or name-unknown.
 */
export async function changesById(ids: readonly string[], reader: LedgerReader, namespace?: string): Promise<Change[]> {
  const seqs = [...new Set(ids.flatMap((text) => text.split(',')).flatMap(readIds))];
  if (seqs.length > MAX_IDS) throw new KubeblameError('usage-invalid', `more than ${MAX_IDS} changes at once`);
  const { changes } = await reader.changes({ scope: {}, seqs, bodies: true, causes: true, limit: MAX_IDS });
  const bySeq = new Map(changes.map((change) => [change.seq, change]));
  const [missing] = seqs.filter((seq) => !bySeq.has(seq));
  if (missing !== undefined) {
    const { changes: last } = await reader.info();
    throw new KubeblameError(
      'name-unknown',
      `there is no change ${missing}`,
      last === 0 ? 'the ledger is empty' : `ids go from 1 to ${last}; tables show them in the column ID`,
    );
  }
  const found = seqs.flatMap((seq) => bySeq.get(seq) ?? []);
  const elsewhere = found.find(({ object }) => namespace !== undefined && !isIn(namespace, object));
  if (elsewhere === undefined) return found;
  const place = printable(elsewhere.object.namespace);
  throw new KubeblameError(
    'name-unknown',
    `change ${elsewhere.seq} is not in namespace ${printable(namespace ?? '')}; it is in ${place}`,
    `leave -n out, or write -n ${place}`,
  );
}

/** As kubectl has it, -n says nothing about an object that is in no namespace. */
function isIn(namespace: string, object: Change['object']): boolean {
  return object.namespace === namespace || object.namespace === '';
}

/** `1204`, or `1204-1209`. */
function readIds(text: string): number[] {
  const match = /^([1-9]\d{0,14})(?:-([1-9]\d{0,14}))?$/.exec(text);
  const [from, to] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (match !== null && from <= to && to - from < MAX_IDS) {
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  }
  throw new KubeblameError(
    'usage-invalid',
    `${JSON.stringify(text)} is not the id of a change`,
    'an id is a number, as the column ID has it; several are 1204,1207-1209',
  );
}

/** Which objects a change's own object is: for questions about its past and future. */
export function scopeOf({ object: { group, resource, namespace, name } }: Change) {
  return { type: { group, resource }, namespace, names: [name] };
}
