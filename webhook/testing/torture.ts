/*
 * What torments the server runs in two sizes: a short one in `make test`, and in full by `make torture`, which sets
 * KUBEBLAME_TORTURE=full. KUBEBLAME_TEST_SEED repeats a run.
 */

export const FULL = process.env.KUBEBLAME_TORTURE === 'full';

export const SEED =
  process.env.KUBEBLAME_TEST_SEED === undefined ? Date.now() % 1_000_000 : Number(process.env.KUBEBLAME_TEST_SEED);

export function scaled(short: number, full: number): number {
  return FULL ? full : short;
}
