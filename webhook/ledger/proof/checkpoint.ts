import { openNote, signNote, type Signer, type Verifier } from './note.ts';

/*
 * Checkpoints (c2sp.org/tlog-checkpoint): the origin, the number of leaves, and the root of the tree, in a signed note.
 * A leaf is a commit of the ledger.
 */

/** What is to be signed: which ledger, how many commits, and the root of the Merkle tree over their links. */
export interface TreeHead {
  origin: string;
  size: number;
  root: Buffer;
}

/** The name of a ledger, as its checkpoints and its key have it: of its cluster, and random. */
export function originOf(cluster: string, id: Buffer): string {
  // A key's name has neither spaces nor `+`.
  return `kubeblame.io/ledger/${encodeURIComponent(cluster)}/${id.toString('hex').slice(0, 16)}`;
}

export function signCheckpoint({ origin, size, root }: TreeHead, signer: Signer): string {
  return signNote(`${origin}\n${size}\n${root.toString('base64')}\n`, signer);
}

/** What a note says, and whether one of the verifiers signed it; null where it is no checkpoint at all. */
export function readCheckpoint(
  note: string,
  verifiers: readonly Verifier[],
): { head: TreeHead; by: Verifier | null } | null {
  const match = /^(\S+)\n(0|[1-9]\d{0,14})\n([A-Za-z0-9+/]{43}=)\n(?:[^\n]+\n)*\n— /.exec(note);
  if (match === null) return null;
  const [, origin = '', size, root = ''] = match;
  const head = { origin, size: Number(size), root: Buffer.from(root, 'base64') };
  return { head, by: openNote(note, verifiers)?.by ?? null };
}

/** The notes of a text that has one after another, an empty line between: what `Checkpoints` writes. */
export function splitNotes(text: string): string[] {
  return text
    .split(/(?<=\n— [^\n]+\n)\n+(?!— )/)
    .filter((note) => note.trim() !== '')
    .map((note) => (note.endsWith('\n') ? note : `${note}\n`));
}
