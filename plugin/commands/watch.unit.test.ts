import assert from 'node:assert/strict';
import { KubeblameError } from '../../shared/errors.ts';
import type { Change, ChangePage, ChangeQuery, LedgerReader } from '../../shared/types.ts';
import { change, deployment } from '../testing/changes.ts';
import { PIPE } from '../testing/style.ts';
import { readRequest } from './request.ts';
import { watch } from './watch.ts';

const made = (seq: number, more: Partial<Change> = {}): Change =>
  change(deployment('a', seq), deployment('a', seq + 1), { seq, ...more });
const page = (changes: Change[], next: number): ChangePage => ({ changes, next, hidden: { status: 0, attempts: 0 } });

/** A reader that answers the questions that follow from a list, and notes them; the last answer ends the watch. */
async function watched(first: Change[], answers: (ChangePage | KubeblameError)[], seqs: Change[] = []) {
  const stop = new AbortController();
  const asked: (number | undefined)[] = [];
  const told = { out: '', err: '' };
  const reader = {
    info: () => Promise.resolve({ changes: 10 }),
    changes: (query: ChangeQuery): Promise<ChangePage> => {
      if (query.seqs !== undefined) return Promise.resolve(page(seqs, 0));
      if (query.after === undefined) return Promise.resolve(page(first, 0));
      asked.push(query.after);
      const answer = answers.shift() ?? page([], query.after);
      if (answers.length === 0) stop.abort();
      return answer instanceof KubeblameError ? Promise.reject(answer) : Promise.resolve(answer);
    },
  } as unknown as LedgerReader;
  const io = {
    out: (text: string) => void (told.out += text),
    err: (text: string) => void (told.err += text),
    read: () => Promise.resolve(''),
    style: PIPE,
    now: 0,
    env: {},
    interrupted: stop.signal,
  };
  const selection = { scopes: [{}], title: 'the cluster', single: false, broad: true, story: true };
  await watch(selection, {}, readRequest({ watch: true }, io), reader, io);
  return { ...told, asked, ids: told.out.split('\n').map((line) => Number(line.trim().split(' ')[0])).filter(Boolean) }; // prettier-ignore
}

describe('watch', () => {
  it('tells every change once, in order, over a lost connection', async () => {
    const lost = new KubeblameError('server-unreachable', 'gone');
    const { ids, asked, err } = await watched(
      [made(10), made(9)],
      [page([made(11)], 12), lost, page([made(13), made(14)], 14), page([], 14)],
    );
    assert.deepEqual(ids, [9, 10, 11, 13, 14]);
    assert.deepEqual(asked, [10, 12, 12, 14]);
    assert.match(err, /# gone; trying again\n# connected again; nothing was missed\n$/);
  });

  it('tells that one that it had told was never persisted', async () => {
    const pending = made(11, { outcome: 'pending', outcomeReason: '' });
    const dropped = { ...pending, outcome: 'dropped' as const, outcomeReason: 'the watch never showed it' };
    const { err, out } = await watched([], [page([pending], 11), page([], 11), page([], 11)], [dropped]);
    assert.match(out, /update~/);
    assert.equal(err.match(/# change 11 was never persisted: the watch never showed it/g)?.length, 1);
  });

  it('ends with an error that trying again does not mend', async () => {
    await assert.rejects(watched([], [new KubeblameError('unauthorized', 'no'), page([], 1)]), {
      code: 'unauthorized',
    });
  });
});
