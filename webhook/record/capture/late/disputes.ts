import type { ObservedFact } from '../outcomes/reconcile-fact.ts';
import { asShown, wroteLast } from '../outcomes/as-shown.ts';
import type { Draft } from '../objects/draft.ts';
import type { ObjectHead, HeadVersion } from '../objects/object-head.ts';
import { NO_AMENDMENTS, type Amendments } from '../outcomes/settle.ts';

/*
 * Whoever knows the webhook's path can post a copy of somebody's review in another name. Of several reviews that may have made one
 * version none is believed: docs/decisions/0046.
 */

/** Who made the version that a fact shows: one attempt, with its amendments; or several users may have. */
export type Claim = { by: HeadVersion; amendments: Amendments } | { disputed: readonly HeadVersion[] };

/**
 * Looks for attempts of other users beside `winner`, made from the same version, that what is shown may be as well. Where
 * managedFields are those of only one, it is that one's: the API server keeps what was in the review.
 */
export async function claimOf(
  draft: Draft,
  observation: ObservedFact,
  head: ObjectHead,
  winner: HeadVersion,
  open: readonly HeadVersion[],
): Promise<Claim> {
  const own: Claim = { by: winner, amendments: NO_AMENDMENTS };
  const others = open.filter(({ seq, parent, gone }) => seq !== winner.seq && parent === winner.parent && !gone);
  if (others.length === 0) return own;
  const userOf = async ({ seq }: HeadVersion): Promise<string> => (await draft.change(seq)).actor?.username ?? '';
  const user = await userOf(winner);
  const claims = new Map<HeadVersion, Amendments>([[winner, NO_AMENDMENTS]]);
  for (const other of others) {
    // An API server that runs a request again sends it through the webhooks again.
    if ((await userOf(other)) === user) continue;
    const shown = await asShown(draft, observation, head, { version: other, amendments: NO_AMENDMENTS });
    if (shown !== null) claims.set(other, shown === 'own' ? NO_AMENDMENTS : shown);
  }
  const { managedFields } = observation.seen;
  const proven: HeadVersion[] = [];
  for (const version of claims.keys())
    if (managedFields.length > 0 && (await wroteLast(draft, version, managedFields, false))) proven.push(version);
  const left = proven.length > 0 ? proven : [...claims.keys()];
  const [by] = left;
  if (by === undefined || left.length > 1) return { disputed: left };
  return { by, amendments: claims.get(by) ?? NO_AMENDMENTS };
}
