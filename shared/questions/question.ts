import type { Codec, Limits } from './parameters.ts';
import type { Scope } from './scope.ts';

/** What of a ledger an answer may hold: the rights for it are asked for before the ledger is read. */
export type Reads<Query, Answer> =
  | {
      /** Objects: who may read some of them is answered as if there were no others. */
      of: 'objects';
      /** `otherTypes`: the answer may also hold objects of other types than the scope's. */
      scope: (query: Query) => { scope: Scope; otherTypes?: boolean };
      /** Whether the answer has a list of what was left out (Denied): of types of objects, or of acts (`pods/exec`) too. */
      denied?: 'objects' | 'acts';
    }
  | {
      /** What is true of the whole ledger. */
      of: 'ledger';
      /** What is told of it to those who may not read everything. */
      partly: (answer: Answer) => Answer;
    };

/**
 * A question that can be asked of a ledger: its route, its parameters, the client's method and its rights come from this. Its answer is
 * in webhook/ask/questions/answers.ts.
 */
export interface Question<Query, Answer> {
  /** A sentence for docs/api.md, without its end. */
  about: string;
  /** Its parameters in a URL. */
  codec: Codec<Query>;
  reads: Reads<Query, Answer>;
}

/** A question that has a limit. */
export interface LimitedQuestion<Query, Answer> extends Question<Query, Answer> {
  limits: Limits;
}
