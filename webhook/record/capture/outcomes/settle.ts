import type { ObjectRef } from '../../../../shared/types.ts';
import type { Amendment } from '../../../ledger/content/payload.ts';
import type { OutcomeReason } from '../../../ledger/port/port.ts';
import type { Draft } from '../objects/draft.ts';
import type { ObjectHead, HeadVersion } from '../objects/object-head.ts';

/** What the API server made of versions, by seq. */
export type Amendments = ReadonlyMap<number, Amendment>;

export const NO_AMENDMENTS: Amendments = new Map();

/** Commits a version, with the attempts that it was made from, and drops those that it excludes. */
export async function confirmAttempt(
  draft: Draft,
  head: ObjectHead,
  winner: HeadVersion,
  open: readonly HeadVersion[],
  reason: OutcomeReason,
  resourceVersion: string,
  amendments = NO_AMENDMENTS,
): Promise<HeadVersion> {
  const line = lineageOf(winner, open);
  for (const ancestor of line.slice(0, -1)) {
    const why = 'a later version holds what it set';
    await draft.settle(head.object, ancestor, 'committed', why, '', amendments.get(ancestor.seq));
  }
  // What was made from the winner is not excluded by it.
  await dropAttempts(
    draft,
    head.object,
    open.filter((version) => !line.includes(version) && !lineageOf(version, open).includes(winner)),
  );
  return draft.settle(head.object, winner, 'committed', reason, resourceVersion, amendments.get(winner.seq));
}

/** The open attempts that a version was made from, oldest first, and the version itself. */
export function lineageOf(version: HeadVersion, open: readonly HeadVersion[]): HeadVersion[] {
  const line: HeadVersion[] = [];
  for (let at: HeadVersion | undefined = version; at !== undefined; at = open.find(({ seq }) => seq === at?.parent)) {
    line.unshift(at);
  }
  return line;
}

/** Drops attempts whose version is outdated. One that names no version (a binding) may still be persisted. */
export async function dropAttempts(draft: Draft, object: ObjectRef, open: readonly HeadVersion[]): Promise<void> {
  for (const version of open) {
    if (version.baseResourceVersion === '' && version.parent !== null) continue;
    const reason = version.gone ? 'the object still exists' : 'another change was made from the same version';
    await draft.settle(object, version, 'dropped', reason);
  }
}
