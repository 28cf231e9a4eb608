import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import { configMap, reviewDocument } from '../../../../shared/testing/reviews.ts';
import { openSqliteReader } from '../../../ledger/sqlite/store/store.ts';
import { useFolder } from '../../folder.ts';
import { TestServer } from '../../server/server.ts';

/** Runs `work`, and returns the threads that were sent something that `isSought` knows. */
async function threadsSent(isSought: (message: unknown) => boolean, work: () => Promise<unknown>): Promise<Worker[]> {
  const found = new Set<Worker>();
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its receiver below
  const real = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (this: Worker, ...args: Parameters<typeof real>) {
    if (isSought(args[0])) found.add(this);
    real.apply(this, args);
  };
  try {
    await work();
  } finally {
    Worker.prototype.postMessage = real;
  }
  return [...found];
}

describe('a server whose writing thread dies', () => {
  const file = useFolder();
  const review = (name: string) =>
    reviewDocument({ uid: name, name, object: configMap({ text: name }, { name, uid: name }) });

  it('tells that it is broken, answers on while the spool has room, and loses nothing over a restart', async () => {
    const server = await TestServer.start(file);
    const isAppend = (message: unknown): boolean =>
      typeof message === 'object' && message !== null && 'append' in message;
    const [writer] = await threadsSent(isAppend, async () => {
      await server.admission.admit(review('a'));
      await server.settled();
    });
    assert.ok(writer);
    await writer.terminate();
    assert.equal((await server.running.broken).message, 'the thread that writes the ledger has ended');

    const answer = (await server.admission.admit(review('b'))).json();
    assert.deepEqual(answer.response, { uid: 'b', allowed: true });
    const ready = await server.admission.get('/readyz');
    assert.equal(ready.status, 200);
    assert.match(ready.text, /^\[!\]ledger: the thread that writes the ledger has ended$/m);
    await server.stop();

    const again = await TestServer.start(file);
    await again.stop();
    const reader = openSqliteReader(file('ledger.db'));
    const uids = (await reader.changes({}, 10)).map(({ reviewUid }) => reviewUid);
    await reader.close();
    assert.deepEqual(uids, ['b', 'a']);
  });
});
