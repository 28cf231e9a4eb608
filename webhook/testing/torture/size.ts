/*
 * What torments the server runs in two sizes: a short one in `make test`, and in full by `make torture`, which sets
 * KUBEBLAME_TORTURE=full. KUBEBLAME_TEST_SEED repeats a run.
 */

export const FULL = process.env.KUBEBLAME_TORTURE === 'full';

/** The short form tries the same each time: what a new seed finds must not stop somebody else's change. */
const SHORT_SEED = 20_261_124;
export const SEED =
  process.env.KUBEBLAME_TEST_SEED !== undefined
    ? Number(process.env.KUBEBLAME_TEST_SEED)
    : FULL
      ? Date.now() % 1_000_000
      : SHORT_SEED;

export function scaled(short: number, full: number): number {
  return FULL ? full : short;
}
