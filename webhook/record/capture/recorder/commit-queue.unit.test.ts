import assert from 'node:assert/strict';
import { CommitQueue } from './commit-queue.ts';

describe('the commit queue', () => {
  const options = { maxBatch: 3 };
  let log: string[];
  let commit: () => Promise<void>;
  const queue = (overrides: Partial<typeof options> = {}): CommitQueue =>
    new CommitQueue({
      ...options,
      ...overrides,
      commit: () => commit(),
      rollback: () => void log.push('rollback'),
    });
  const job = (name: string) => (): Promise<string> => {
    log.push(name);
    return Promise.resolve(name);
  };
  beforeEach(() => {
    log = [];
    commit = () => {
      log.push('commit');
      return Promise.resolve();
    };
  });

  it('runs jobs in order, and lets those that wait share a commit', async () => {
    const jobs = queue();
    const results = await Promise.all(['a', 'b', 'c', 'd'].map((name) => jobs.add(job(name))));
    assert.deepEqual(results, ['a', 'b', 'c', 'd']);
    assert.deepEqual(log, ['a', 'b', 'c', 'commit', 'd', 'commit']);
  });

  it('settles a job after its commit, never before', async () => {
    let finish = (): void => undefined;
    commit = () => new Promise((resolve) => (finish = resolve));
    const jobs = queue();
    let settled = false;
    const added = jobs.add(job('a')).then(() => (settled = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(settled, false);
    finish();
    await added;
    assert.equal(settled, true);
  });

  it('commits what is to be alone with nothing beside it', async () => {
    const jobs = queue();
    await Promise.all([jobs.add(job('a')), jobs.add(job('b'), true), jobs.add(job('c')), jobs.add(job('d'))]);
    assert.deepEqual(log, ['a', 'commit', 'b', 'commit', 'c', 'd', 'commit']);
  });

  it('rejects every job of a commit that fails, and goes on', async () => {
    const jobs = queue();
    commit = () => Promise.reject(new Error('disk full'));
    const failed = await Promise.allSettled([jobs.add(job('a')), jobs.add(job('b'))]);
    assert.deepEqual(
      failed.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    assert.deepEqual(log, ['a', 'b', 'rollback']);
    commit = () => Promise.resolve();
    assert.equal(await jobs.add(job('c')), 'c');
  });

  it('rejects a job that fails, and commits the others', async () => {
    const jobs = queue();
    const [bad, good] = await Promise.allSettled([
      jobs.add(() => Promise.reject(new Error('bug'))),
      jobs.add(job('b')),
    ]);
    assert.equal(bad.status, 'rejected');
    assert.equal(good.status, 'fulfilled');
  });

  it('settles all that it took before it is closed, and takes nothing more', async () => {
    const jobs = queue();
    const taken = ['a', 'b', 'c', 'd'].map((name) => jobs.add(job(name)));
    const closed = jobs.close();
    await assert.rejects(jobs.add(job('e')), { code: 'closing' });
    await closed;
    assert.deepEqual(await Promise.all(taken), ['a', 'b', 'c', 'd']);
    await jobs.close();
  });

  describe('while a commit is on its way', () => {
    let finish: ((error?: Error) => void)[];
    const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
    beforeEach(() => {
      finish = [];
      commit = () => {
        log.push('commit');
        return new Promise((resolve, reject) => {
          finish.push((error) => (error === undefined ? resolve() : reject(error)));
        });
      };
    });

    it('runs what comes, and commits it when that one is settled', async () => {
      const jobs = queue();
      const first = jobs.add(job('a'));
      await turn();
      const others = ['b', 'c'].map((name) => jobs.add(job(name)));
      await turn();
      assert.deepEqual(log, ['a', 'commit', 'b', 'c']);
      assert.equal(jobs.depth, 2);
      finish[0]?.();
      await turn();
      assert.deepEqual(log, ['a', 'commit', 'b', 'c', 'commit']);
      finish[1]?.();
      assert.deepEqual(await Promise.all([first, ...others]), ['a', 'b', 'c']);
      assert.equal(jobs.depth, 0);
    });

    it('runs no more than one commit can take', async () => {
      const jobs = queue({ maxBatch: 1 });
      const all = ['a', 'b', 'c'].map((name) => jobs.add(job(name)));
      await turn();
      assert.deepEqual(log, ['a', 'commit', 'b']);
      finish[0]?.();
      await turn();
      finish[1]?.();
      await turn();
      finish[2]?.();
      assert.deepEqual(await Promise.all(all), ['a', 'b', 'c']);
      assert.deepEqual(log, ['a', 'commit', 'b', 'commit', 'c', 'commit']);
    });

    it('rejects with one that fails what was built on it, and goes on with what was not', async () => {
      const jobs = queue({ maxBatch: 1 });
      const all = Promise.allSettled(['a', 'b', 'c'].map((name) => jobs.add(job(name))));
      await turn();
      finish[0]?.(new Error('disk full'));
      await turn();
      finish[1]?.();
      assert.deepEqual(
        (await all).map(({ status }) => status),
        ['rejected', 'rejected', 'fulfilled'],
      );
      assert.deepEqual(log, ['a', 'commit', 'b', 'rollback', 'c', 'commit']);
      assert.equal(await Promise.race([jobs.close(), turn().then(() => 'open')]), undefined);
    });

    it('runs a job that must be alone when all before it is settled, and nothing beside it', async () => {
      const jobs = queue();
      const all = [jobs.add(job('a')), jobs.add(job('alone'), true), jobs.add(job('b'))];
      await turn();
      assert.deepEqual(log, ['a', 'commit']);
      finish[0]?.();
      await turn();
      finish[1]?.();
      await turn();
      finish[2]?.();
      assert.deepEqual(await Promise.all(all), ['a', 'alone', 'b']);
    });

    it('is closed when that is settled', async () => {
      const jobs = queue();
      const added = jobs.add(job('a'));
      await turn();
      let closed = false;
      const closing = jobs.close().then(() => (closed = true));
      await turn();
      assert.equal(closed, false);
      finish[0]?.();
      await Promise.all([added, closing]);
    });
  });
});
