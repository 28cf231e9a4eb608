import type { Election } from './lease/election.ts';

/** How long a spare pod sleeps at a time: it only waits to be ended. */
export const SPARE_SLEEP_MS = 60_000;
/** How many pods of the StatefulSet take part: one records, the other stands by. */
const REPLICAS = 2;

/**
 * Why a pod may never record; null where it may. Role `kubeblame` allows the label of the Service on the first two pods only, so
 * no other pod would receive reviews.
 */
export function spareReason(election: Election | null): string | null {
  // Not of a Deployment, whose pods end with five letters and digits.
  const [, ordinal] = election?.isPod === true ? (/-(\d{1,3})$/.exec(election.identity) ?? []) : [];
  if (election === null || ordinal === undefined || Number(ordinal) < REPLICAS) return null;
  const name = election.identity.slice(0, -ordinal.length);
  return `${election.identity} is one too many: only ${name}0 and ${name}1 record and stand by; scale to ${REPLICAS} replicas`;
}
