import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { stringifyJson } from '../../../shared/json.ts';
import type { Json } from '../../../shared/types.ts';
import { readerFor } from '../access/access.ts';
import type { Rights } from '../access/rights/access-reviews.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { keepFacts } from '../../entities/landscape/projection/keep-facts.ts';
import { batchOf } from '../stream/open.ts';
import { openSqliteReader } from '../../ledger/sqlite/store/store.ts';
import { errorOf, failureOf, lowerPriority } from '../../platform/threads/threads.ts';
import type { ReadingData, ReadingReport, ReadingRequest } from './messages.ts';

/*
 * The thread that answers questions, on a connection of its own: a long one holds up neither reviews nor the recorder. Who asks,
 * and what they may, is decided by the rest of the server.
 */
function serve(port: MessagePort, data: ReadingData): void {
  lowerPriority();
  const store = openSqliteReader(data.path);
  const clock = new Clock(data.clock);
  const now = (): number => clock.now();
  const closing = new AbortController();
  const report = (message: ReadingReport): void => port.postMessage(message);
  const facts = keepFacts(data.path, store, (text) => report({ is: 'note', text }));
  const rights = new AskedRights(report);

  const answering = new Set<Promise<void>>();
  const answerOf = (message: Extract<ReadingRequest, { do: 'ask' | 'batch' }>): Promise<unknown> => {
    if (message.do === 'batch') return batchOf(message.what, store, now, message.after, message.maxBytes);
    const reader = readerFor(message.caller, rights, store, now, closing.signal);
    return reader[message.question](message.query as never);
  };
  const answer = async (message: Extract<ReadingRequest, { do: 'ask' | 'batch' }>): Promise<void> => {
    const { id } = message;
    const work = answerOf(message).then(
      (value) => {
        if (message.do === 'batch' || message.as === 'value') return report({ is: 'answer', id, value });
        const json = new TextEncoder().encode(stringifyJson(value as Json));
        port.postMessage({ is: 'answer', id, value: json } satisfies ReadingReport, [json.buffer]);
      },
      (error: unknown) => report({ is: 'failure', id, failure: failureOf(error) }),
    );
    answering.add(work);
    await work.finally(() => answering.delete(work));
  };

  port.on('message', (message: ReadingRequest) => {
    if (message.do === 'tell') rights.told(message);
    else if (message.do === 'ask' || message.do === 'batch') void answer(message);
    else {
      closing.abort();
      if (message.do === 'close')
        void Promise.allSettled(answering)
          .then(() => facts.stop())
          .then(() => store.close())
          .then(() => port.close());
    }
  });
}

/** What users may, as the rest of the server knows it. */
class AskedRights implements Rights {
  private readonly waiting = new Map<number, { resolve: (may: boolean) => void; reject: (error: Error) => void }>();
  private last = 0;

  constructor(private readonly report: (message: ReadingReport) => void) {}

  may(...[user, attributes]: Parameters<Rights['may']>): Promise<boolean> {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.report({ is: 'may?', id, user, attributes });
    });
  }

  told(message: Extract<ReadingRequest, { do: 'tell' }>): void {
    const asked = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if ('failure' in message) asked?.reject(errorOf(message.failure));
    else asked?.resolve(message.may);
  }
}

if (parentPort === null) throw new Error('this is the program of a thread');
serve(parentPort, workerData as ReadingData);
