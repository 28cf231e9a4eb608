import { QuestionReader } from '../../../shared/questions/table.ts';
import type { LedgerView } from '../../ledger/port/port.ts';
import { ANSWERS } from './answers.ts';

/** Answers questions from a store. `now` and `closing`: of Asked. */
export class StoreReader extends QuestionReader {
  constructor(store: LedgerView, now: () => number, closing: AbortSignal = new AbortController().signal) {
    super(
      (name, query) => ANSWERS[name]({ store, now, closing }, query),
      () => store.close(),
    );
  }
}
