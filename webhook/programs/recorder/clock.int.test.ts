import assert from 'node:assert/strict';
import { configMap, reviewDocument } from '../../../shared/testing/reviews.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { openSqliteReader } from '../../ledger/sqlite/store/store.ts';
import { useFolder } from '../../testing/folder.ts';
import { TestServer, until } from '../../testing/server/server.ts';

const DAY_MS = 24 * 3_600_000;

describe("a server whose machine's clock jumps", () => {
  const file = useFolder();

  it('records no time of the jump, tells it in the log, the coverage and the metrics, and folds nothing', async () => {
    const clock = new Clock();
    const retention = { ageMs: 300 * DAY_MS, bytes: null, securityMs: null };
    const server = await TestServer.start(file, { clock, retention });
    const admit = async (name: string): Promise<void> => {
      await server.admission.admit(reviewDocument({ name, object: configMap({}, { name, uid: name }) }));
      await server.settled();
    };
    const started = Date.now();
    await admit('before');
    clock.setMachineAhead(400 * DAY_MS);
    await admit('during');
    await until('the jump', () => server.log.some(({ msg }) => msg === 'clock'));
    const { text } = await server.admission.get('/metrics');
    const ahead = Number(/^kubeblame_clock_ahead_seconds ([\d.]+)/m.exec(text)?.[1]);
    // The two clocks are read one after the other, so the difference can be some milliseconds off.
    assert.equal(Math.round(ahead / 60), (400 * DAY_MS) / 60_000);
    clock.setMachineAhead(0);
    await admit('after');
    await until('its end', () => server.log.filter(({ msg }) => msg === 'clock').length === 2);
    await server.stop();
    const reader = openSqliteReader(file('ledger.db'));
    const changes = (await reader.changes({}, 10)).reverse();
    assert.deepEqual(
      changes.map(({ object }) => object.name),
      ['before', 'during', 'after'],
    );
    for (const { at } of changes) assert.ok(at >= started - 1000 && at <= Date.now(), String(at - started));
    assert.deepEqual(
      (await reader.coverage()).filter(({ event }) => event === 'clock').map(({ detail }) => detail),
      [
        'the clock jumped 400d ahead: times go on as before until it is known to be right',
        'the clock is back: what it said meanwhile was not recorded',
      ],
    );
    await reader.close();
  });
});
