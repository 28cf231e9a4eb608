import assert from 'node:assert/strict';
import { Heartbeat } from './heartbeat.ts';

describe('the heartbeat of the thread that answers', () => {
  it('tells how long nobody answered, where that is longer than the API server waits', () => {
    let now = 1_000;
    const stalls: number[] = [];
    const heartbeat = new Heartbeat(
      1_000,
      (ms) => stalls.push(ms),
      () => now,
    );
    for (const ms of [250, 260, 1_250, 1_251, 250, 60_250]) {
      now += ms;
      heartbeat.beat();
    }
    heartbeat.stop();
    assert.deepEqual(stalls, [1_001, 60_000]);
  });
});
