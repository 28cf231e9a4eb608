import {
  QuestionReader,
  questionOf,
  type AnswerOf,
  type QueryOf,
  type QuestionName,
} from '../../../../shared/questions/table.ts';
import { qualifiedName } from '../../../../shared/resource-types.ts';
import type { Actor, Denied, Scope } from '../../../../shared/types.ts';
import type { LedgerStore } from '../../../ledger/port/port.ts';
import { ANSWERS } from '../../questions/answers.ts';
import type { Rights } from './access-reviews.ts';
import { RestrictedStore } from './restricted-store.ts';
import { FULL_SIGHT, NO_SIGHT, readsEverything, sightOf, type Sight } from './sight.ts';

/**
 * Answers one user: every question is put to the ledger as that user sees it. What a question reads is in the table of questions. All
 * methods reject with forbidden where the user may read no history in the scope, and with access-unknown where the API server does
 * not tell.
 */
export class AuthorisedReader extends QuestionReader {
  constructor(user: Actor, rights: Rights, store: LedgerStore, now: () => number, closing: AbortSignal) {
    super(async <Name extends QuestionName>(name: Name, query: QueryOf<Name>): Promise<AnswerOf<Name>> => {
      const { reads } = questionOf(name);
      const answer = (sight: Sight): Promise<AnswerOf<Name>> =>
        ANSWERS[name]({ store: new RestrictedStore(store, sight), now, closing }, query);
      if (reads.of === 'ledger') {
        const everything = await readsEverything(user, rights, store);
        return everything ? answer(FULL_SIGHT) : reads.partly(await answer(NO_SIGHT));
      }
      const { scope, otherTypes = false } = reads.scope(query);
      const sight = await sightIn(scope, otherTypes, user, rights, store);
      const found = await answer(sight);
      if (reads.denied === undefined) return found;
      const left = reads.denied === 'acts' ? [...sight.denied, ...sight.deniedActs] : sight.denied;
      return { ...(found as object), ...deniedIn(scope, left) } as AnswerOf<Name>;
    });
  }
}

async function sightIn(
  scope: Scope,
  otherTypes: boolean,
  user: Actor,
  rights: Rights,
  store: LedgerStore,
): Promise<Sight> {
  const { type, of, ...anyType } = scope;
  // What belongs to an application is told by objects of all types, in all namespaces.
  const around = of !== undefined ? {} : otherTypes ? anyType : scope;
  const seen = await sightOf(user, around, rights, store, type);
  // What is asked about is not looked for where none of it could be seen: the time would tell.
  return type !== undefined && !seen.somewhere(type) ? { ...seen, nothing: true } : seen;
}

/** Of what was left out, what is of the scope's type. */
function deniedIn({ type }: Scope, names: readonly string[]): { denied?: Denied } {
  const denied = names.filter((name) => type === undefined || name.split('/')[0] === qualifiedName(type)).sort();
  return denied.length === 0 ? {} : { denied };
}
