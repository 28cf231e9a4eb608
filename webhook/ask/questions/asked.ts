import type { AnswerOf, QueryOf, QuestionName } from '../../../shared/questions/table.ts';
import type { LedgerView } from '../../ledger/port/port.ts';

/** What an answer is made from. */
export interface Asked {
  store: LedgerView;
  /** The present (ms): an attempt that stays open becomes unverified. */
  now: () => number;
  /** Answers at once what waits for a change: a server that stops has no time for it. */
  closing: AbortSignal;
}

/** Answers a question of the table (shared/questions/table.ts). Rejects with a KubeblameError. */
export type Answer<Name extends QuestionName> = (asked: Asked, query: QueryOf<Name>) => Promise<AnswerOf<Name>>;
