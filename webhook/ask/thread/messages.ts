import type { Attributes } from '../access/rights/access-reviews.ts';
import type { Caller } from '../access/identity/caller.ts';
import type { QuestionName } from '../../../shared/questions/table.ts';
import type { Streamed } from '../stream/open.ts';
import type { Failure } from '../../platform/threads/threads.ts';

/*
 * What the reading thread is asked, and what it asks and answers: reading.ts is the one side, reading-thread.ts the other.
 */

/** With what the thread begins. */
export interface ReadingData {
  /** The ledger file. */
  path: string;
  /** Of Clock. */
  clock: SharedArrayBuffer;
}

export type ReadingRequest =
  /** `as`: what the answer is given as: itself, or its JSON, which costs the other thread nothing, however long it is. */
  | { do: 'ask'; id: number; caller: Caller; question: QuestionName; query: unknown; as: 'value' | 'json' }
  /** What is to be sent after a number, as it leaves the machine: stream/open.ts. */
  | { do: 'batch'; id: number; what: Streamed; after: number; maxBytes: number }
  /** Whether a user may, as was asked. */
  | { do: 'tell'; id: number; may: boolean }
  | { do: 'tell'; id: number; failure: Failure }
  /** Answers at once what waits for a change, now and from now on. */
  | { do: 'hurry' }
  /** Ends when all is answered. */
  | { do: 'close' };

export type ReadingReport =
  /** For the log: something could not be used, and is made anew. */
  | { is: 'note'; text: string }
  | { is: 'answer'; id: number; value: unknown }
  | { is: 'failure'; id: number; failure: Failure }
  | { is: 'may?'; id: number; user: Extract<Caller, { kind: 'user' }>['user']; attributes: Attributes };
