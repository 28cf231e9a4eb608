import assert from 'node:assert/strict';
import { ClockWatch } from './clock-watch.ts';
import { Clock } from './clock.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

describe('a clock that jumps', () => {
  let clock: Clock;
  let elapsed: number;
  let told: string[];

  beforeEach(() => {
    clock = new Clock();
    elapsed = 0;
    told = [];
  });

  function watch(newestAt: number | null = Date.now(), witnessed: number | null = null): ClockWatch {
    const started = new ClockWatch({ clock, newestAt, tell: (detail) => told.push(detail), elapsed: () => elapsed });
    started.start(witnessed);
    started.close();
    return started;
  }

  /** Days between the time that is recorded and the true one. */
  const daysOff = (): number => Math.trunc((clock.now() - Date.now() + MINUTE_MS) / DAY_MS);

  it('is not followed, in no thread; and what it said is forgotten when it is back', () => {
    const watching = watch();
    clock.setMachineAhead(400 * DAY_MS);
    assert.equal(daysOff(), 0);
    assert.ok(Math.abs(new Clock(clock.memory).now() - Date.now()) < MINUTE_MS);
    watching.look();
    elapsed += 5_000;
    watching.look();
    assert.equal(watching.doubt, 'the clock jumped 400d ahead, and is not known to be right');
    clock.setMachineAhead(0);
    watching.look();
    assert.equal(watching.doubt, null);
    assert.equal(daysOff(), 0);
    assert.deepEqual(told, [
      'the clock jumped 400d ahead: times go on as before until it is known to be right',
      'the clock is back: what it said meanwhile was not recorded',
    ]);
  });

  it('is followed when it has stood for ten minutes, but nothing is folded by it for a day', () => {
    const watching = watch();
    clock.setMachineAhead(400 * DAY_MS);
    watching.look();
    elapsed += 10 * MINUTE_MS - 1;
    watching.look();
    assert.equal(daysOff(), 0);
    elapsed += 1;
    watching.look();
    assert.equal(daysOff(), 400);
    assert.equal(told.at(-1), "the clock's jump 400d ahead is followed: it has stood for 10m");
    assert.equal(watching.doubt, 'the clock jumped, and no API server has said that it is right');
    elapsed += DAY_MS;
    assert.equal(watching.doubt, null);
  });

  it('is followed at once where the API server agrees, and never where it does not', () => {
    const watching = watch();
    clock.setMachineAhead(3 * DAY_MS);
    watching.see(Date.now());
    elapsed += 7 * DAY_MS;
    watching.look();
    assert.equal(daysOff(), 0);
    assert.equal(watching.doubt, 'the clock jumped 3d ahead, and is not known to be right');
    watching.see(Date.now() + 3 * DAY_MS);
    assert.equal(daysOff(), 3);
    assert.equal(watching.doubt, null);
  });

  it('that was wrong at the start: the API server is believed, unless the ledger knows better', () => {
    clock.setMachineAhead(400 * DAY_MS);
    const watching = watch(Date.now() - DAY_MS, Date.now());
    assert.equal(daysOff(), 0);
    assert.equal(watching.doubt, 'the clock jumped 400d ahead, and is not known to be right');

    clock = new Clock();
    watch(Date.now() - MINUTE_MS, Date.now() - 30 * DAY_MS);
    assert.equal(daysOff(), 0);
    assert.equal(told.at(-1), "the clock is 30d ahead of the API server's");
  });

  it('of which nobody says that it is right: nothing is folded where it is far from the newest record', () => {
    const watching = watch(Date.now() - 9 * DAY_MS);
    assert.equal(
      watching.doubt,
      'the clock was 9d ahead of the newest record at the start, and no API server has said that it is right',
    );
    watching.see(Date.now());
    assert.equal(watching.doubt, null);
    elapsed += 31 * MINUTE_MS;
    assert.match(watching.doubt ?? '', /^the clock was 9d ahead/);
    assert.equal(watch(null).doubt, null);
  });

  it('is told where the newest record is ahead of it', () => {
    watch(Date.now() + 10 * DAY_MS + 30 * MINUTE_MS);
    assert.match(told.join(), /^the clock is 10d behind the newest record: .* at half speed$/);
  });

  it('follows small corrections without a word', () => {
    const watching = watch();
    for (const ahead of [3_000, 6_000, 9_000, 5_000]) {
      clock.setMachineAhead(ahead);
      watching.look();
      assert.ok(Math.abs(clock.now() - Date.now() - ahead) < 1_000);
    }
    assert.deepEqual(told, []);
  });
});
