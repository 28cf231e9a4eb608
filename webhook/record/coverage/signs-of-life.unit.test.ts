import assert from 'node:assert/strict';
import type { LedgerStore } from '../../ledger/port/port.ts';
import type { Recorder } from '../capture/recorder/recorder.ts';
import { SignsOfLife } from './signs-of-life.ts';

describe('signs of life', () => {
  const told: string[] = [];
  /** What the ledger does with what it is told. */
  let answers: (() => Promise<void>)[];
  const recorder = {
    cover: (event: string, detail: string): Promise<void> => {
      if (event !== 'lost') return Promise.resolve();
      told.push(detail);
      return answers.shift()?.() ?? Promise.resolve();
    },
    coverUnreviewed: () => Promise.resolve(),
  } as Pick<Recorder, 'cover' | 'coverUnreviewed'> as Recorder;
  const store = { last: () => Promise.resolve(null) } as Pick<LedgerStore, 'last'> as LedgerStore;
  const { setInterval } = globalThis;
  let ticks: (() => void)[];
  beforeEach(() => {
    told.length = 0;
    ticks = [];
    globalThis.setInterval = ((tick: () => void) => ticks.push(tick)) as unknown as typeof setInterval;
  });
  afterEach(() => {
    globalThis.setInterval = setInterval;
  });

  async function start(): Promise<SignsOfLife> {
    const signs = new SignsOfLife(recorder, () => 0);
    await signs.start(store, 'v');
    return signs;
  }
  const second = async (): Promise<void> => {
    for (const tick of ticks) tick();
    await new Promise((resolve) => setImmediate(resolve));
  };

  it('tell each loss once, however long the ledger takes', async () => {
    let take = (): void => undefined;
    answers = [() => new Promise((resolve) => (take = resolve))];
    const signs = await start();
    for (let n = 0; n < 5; n++) signs.lose();
    await second();
    signs.lose();
    await second();
    await second();
    take();
    await second();
    await signs.close();
    assert.deepEqual(told, ['5 reviews could not be recorded', '1 review could not be recorded']);
  });

  it('tell again what the ledger did not take, with what was lost since', async () => {
    answers = [() => Promise.reject(new Error('full'))];
    const signs = await start();
    signs.lose();
    await second();
    signs.lose();
    await second();
    await signs.close();
    assert.deepEqual(told, ['1 review could not be recorded', '2 reviews could not be recorded']);
  });
});
