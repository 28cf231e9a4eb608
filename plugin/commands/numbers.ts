import { KubeblameError } from '../../shared/errors.ts';
import type { Change, LedgerReader } from '../../shared/types.ts';

/** At most so many at once: a command line, and not a report. */
const MAX_IDS = 500;

/** Changes by their ids, as tables show them, in the order given. Rejects with usage-invalid or name-unknown. */
export async function changesById(ids: readonly string[], reader: LedgerReader): Promise<Change[]> {
  if (ids.length > MAX_IDS) throw new KubeblameError('usage-invalid', `more than ${MAX_IDS} changes at once`);
  const seqs = [...new Set(ids.map(readId))];
  const { changes } = await reader.changes({ scope: {}, seqs, bodies: true, limit: MAX_IDS });
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
  return seqs.flatMap((seq) => bySeq.get(seq) ?? []);
}

function readId(text: string): number {
  const seq = Number(text.replace(/^#/, ''));
  if (/^#?\d{1,15}$/.test(text) && seq > 0) return seq;
  throw new KubeblameError(
    'usage-invalid',
    `${JSON.stringify(text)} is not the id of a change`,
    'an id is a number, as the column ID has it',
  );
}

/** Which objects a change's own object is: for questions about its past and future. */
export function scopeOf({ object: { group, resource, namespace, name } }: Change) {
  return { type: { group, resource }, namespace, names: [name] };
}
