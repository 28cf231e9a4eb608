import assert from 'node:assert/strict';
import pino from 'pino';
import { Redactor } from '../../../../shared/redact.ts';
import type { EventsTaken, ShownEvent } from '../../../ledger/port/events.ts';
import { eventDocument } from '../../../testing/ledgers/event-ledger.ts';
import { EventIntake } from './event-intake.ts';
import { EventSink } from './event-sink.ts';

const NOTHING: EventsTaken = { events: 0, states: 0, known: 0, summed: 0, removed: 0 };

describe('the intake of Events', () => {
  const batches: (readonly ShownEvent[])[] = [];
  let failing = false;
  let intake: EventIntake;
  const log = pino({ enabled: false });
  beforeEach(() => {
    batches.length = 0;
    failing = false;
    intake = new EventIntake({
      store: {
        takeEvents: (shown) => {
          if (shown.length === 0) return Promise.resolve(NOTHING);
          if (failing) return Promise.reject(new Error('the disk is full'));
          batches.push(shown);
          return Promise.resolve({ ...NOTHING, states: shown.length });
        },
      },
      redactor: new Redactor(Buffer.alloc(32)),
      retention: () => ({ keepFrom: 0, maxBytes: 1 }),
      taken: () => undefined,
      log,
    });
  });
  afterEach(() => intake.close());

  const shown = (n: number, message = ''): ShownEvent => ({
    uid: `e-${n}`,
    event: eventDocument({ metadata: { uid: `e-${n}` }, message }),
    goneAt: null,
  });

  it('writes a storm in batches, each Event once, in order', async () => {
    const all = Array.from({ length: 1_000 }, (_, n) => shown(n));
    const taking = all.map((one) => intake.take(one, true));
    intake.hurry();
    await Promise.all(taking);
    assert.ok(batches.length <= 10, String(batches.length));
    assert.ok(batches.every((batch) => batch.length <= 128));
    assert.deepEqual(batches.flat().map(({ uid }) => uid), all.map(({ uid }) => uid)); // prettier-ignore
  });

  it('tells whoever waits that an Event was not written, and goes on with the next ones', async () => {
    failing = true;
    await assert.rejects(intake.take(shown(1), false), /the disk is full/);
    failing = false;
    await intake.take(shown(1), false);
    assert.deepEqual(batches.flat().map(({ uid }) => uid), ['e-1']); // prettier-ignore
  });

  it('writes what waits when it is closed', async () => {
    const taking = intake.take(shown(1), true);
    await intake.close();
    await taking;
    assert.equal(batches.length, 1);
  });

  it('replaces passwords in messages', async () => {
    await intake.take(shown(1, 'pull failed: https://robot:hunter2hunter2@registry.example.com/web'), false);
    const message = batches[0]?.[0]?.event?.message;
    assert.ok(typeof message === 'string');
    assert.doesNotMatch(message, /hunter2hunter2/);
    assert.match(message, /redacted:/);
  });

  it('leaves messages that name Secrets and tokens as they are', async () => {
    const messages = [
      'MountVolume.SetUp failed for volume "token" : secret "db-password" not found',
      'Error: secret "api-token" not found',
      'Failed to pull image "registry.example.com/web:24.4.0": rpc error: code = NotFound desc = failed to pull and unpack image',
      'Readiness probe failed: HTTP probe failed with statuscode: 401 Unauthorized: token expired',
      "couldn't find key password in Secret shop/db",
    ];
    for (const [n, message] of messages.entries()) await intake.take(shown(n, message), false);
    assert.deepEqual(batches.flat().map(({ event }) => event?.message), messages); // prettier-ignore
  });

  it('passes over an Event that cannot be read, so that the watch goes on', async () => {
    const sink = new EventSink(intake, log, () => 0);
    const ref = { group: '', resource: 'events', kind: 'Event', namespace: 'shop', name: 'x', uid: 'e-1' };
    const seen = { resourceVersion: '1', managedFields: [] };
    await sink.observe(ref, { ...seen, body: { apiVersion: 'v1', kind: 'Event', metadata: {} } }, false);
    await sink.observe(ref, { ...seen, body: eventDocument() }, false);
    assert.deepEqual(batches.flat().map(({ uid }) => uid), ['e-1']); // prettier-ignore
  });
});
