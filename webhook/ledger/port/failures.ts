import { KubeblameError } from '../../../shared/errors.ts';

/** Whether it is the ledger that fails, rather than what is done with it. */
export function isOfLedger(error: unknown): boolean {
  return error instanceof KubeblameError && error.code.startsWith('ledger-');
}
