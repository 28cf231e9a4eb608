import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';
import type { JsonObject } from '../shared/types.ts';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { eventDocument, eventsFile, takeEvents } from '../webhook/testing/ledgers/event-ledger.ts';
import { importLandscape } from '../webhook/testing/ledgers/landscape-ledger.ts';
import type { LedgerStore } from '../webhook/ledger/port/port.ts';
import { openSqliteStore } from '../webhook/ledger/sqlite/store/open-store.ts';
import { ask, type AskOptions } from './testing/ask.ts';
import { assertGolden } from './testing/golden.ts';
import { widthOf } from './views/text.ts';

const QUESTIONS = [
  'events -n checkout --types warning',
  'events deployment checkout -n checkout --limit 3',
  'events pvc catalog-media -n storefront --until 2026-11-30T13:18:40Z',
  'events lease kube-scheduler -n kube-system',
  'deployment web -n storefront --events --limit 3',
  '-n checkout --events --since 2026-11-30T13:19:00Z',
  'show 1147',
];

interface Item {
  id: string;
  reason: string;
  message: string;
  count: number;
  countIn: number;
  object: { kind: string; name: string };
  owner?: { kind: string; name: string };
  application?: string;
  attempt?: number;
  steps: { at: string; count: number; message?: string }[];
  event: JsonObject;
}

describe('Events', function () {
  this.timeout(60_000);
  const file = useSharedFolder();
  let store: LedgerStore;
  /** All of them, as a document. */
  let all: string;
  before(async () => {
    store = await importLandscape(file('west.db'), 'west', true);
    await takeEvents(store, eventsFile('west'));
    all = (await answer('events -A --limit 500 -o json')).out;
  });
  after(() => store.close());
  // A day after the recording.
  const now = Date.parse('2026-12-01T12:00:00Z');
  const answer = (question: string, options: AskOptions = {}) =>
    ask([...question.split(' '), '--db', file('west.db')], { now, ...options });
  const items = async (question: string): Promise<Item[]> => (JSON.parse((await answer(`${question} -o json`)).out) as { items: Item[] }).items; // prettier-ignore

  for (const columns of [80, null]) {
    it(`are printed as was looked at, in ${columns === null ? 'a pipe' : `${columns} columns`}`, async () => {
      const parts: string[] = [];
      for (const question of QUESTIONS) {
        const { code, out, err } = await answer(question, { columns });
        assert.equal(code, 0, err);
        const text = `${err}${out}`;
        if (question !== 'show 1147') assert.deepEqual(text.split('\n').filter((line) => columns !== null && widthOf(line) > columns), []); // prettier-ignore
        parts.push(`$ kubectl blame ${question}\n${text}`);
        if (columns !== null) assert.equal(stripVTControlCharacters((await answer(question, { columns, colour: 1 })).out), out); // prettier-ignore
      }
      assertGolden(`events-${columns ?? 'pipe'}`, parts.join('\n'));
    });
  }

  it('lead to each attempt that a quota refused', async () => {
    const events = (JSON.parse(all) as { items: Item[] }).items;
    const failed = events.filter(({ reason, attempt }) => reason === 'FailedCreate' || attempt !== undefined);
    assert.equal(failed.length, 10);
    for (const { message, attempt } of failed) {
      const [, name] = /pods "([^"]+)" is forbidden/.exec(message) ?? [];
      const change = await store.change(attempt ?? 0);
      assert.deepEqual([change?.object.name, change?.outcome, change?.effect], [name, 'dropped', 'created']);
    }
  });

  it('have each step of their counts, their owner and application, and an id of their own among all clusters', async () => {
    const [pod] = await items('events pod -n storefront --until 2026-11-30T13:18:12Z --limit 1');
    assert.deepEqual([pod?.owner?.kind, pod?.owner?.name, pod?.application], ['Deployment', 'web', 'shop-web']);
    assert.match(pod?.id ?? '', /^west:[0-9a-f-]{36}$/);
    const [claim] = await items(
      'events pvc catalog-media -n storefront --since 2026-11-30T13:18:00Z --until 2026-11-30T13:18:40Z',
    );
    assert.deepEqual(claim?.steps, [
      { at: '2026-11-30T13:18:07.000Z', count: 3, message: 'storageclass.storage.k8s.io "shared" not found' },
      { at: '2026-11-30T13:18:22.000Z', count: 4 },
      { at: '2026-11-30T13:18:37.000Z', count: 5 },
    ]);
    assert.deepEqual([claim.count, claim.countIn, claim.event.lastTimestamp], [5, 3, '2026-11-30T13:18:37Z']);
  });

  it('of an application are those of all that belongs to it', async () => {
    const own = await items('events app/shop-catalog -n storefront --limit 500');
    const wanted = (JSON.parse(all) as { items: Item[] }).items
      .filter(({ application }) => application === 'shop-catalog')
      .map(({ id }) => id);
    assert.deepEqual(own.map(({ id }) => id), wanted); // prettier-ignore
    assert.ok(wanted.length > 10, String(wanted.length));
  });

  it('on a time line are in groups after the act that came before, and add up', async () => {
    const { out } = await answer('deployment web -n storefront --events -o json');
    const { events } = JSON.parse(out) as { events: Item[] };
    const { out: text } = await answer('deployment web -n storefront --events');
    const counts = text.split('\n').flatMap((line) => {
      const [, count = '1', several] = /^-\t[^\t]+\t[^\t]+\t\w+(?: x(\d+))?(?: of)?( \d+)? /.exec(line) ?? [];
      return line.startsWith('-\t') && !line.includes('not recorded') ? [Number(several ?? 0) > 0 && count === '1' ? Number(several) : Number(count)] : []; // prettier-ignore
    });
    assert.equal(counts.reduce((a, b) => a + b, 0), events.reduce((sum, { countIn }) => sum + countIn, 0)); // prettier-ignore
    assert.match(text, /ScalingReplicaSet x6 deployment\/web: .* {2}\(0s after 753\)/);
  });

  it('fit the documented schema', async () => {
    const schema = z.fromJSONSchema(JSON.parse(readFileSync(new URL('../docs/json-schema/v1alpha1.json', import.meta.url), 'utf8')) as JsonObject); // prettier-ignore
    const documents = [all, (await answer('-n checkout --events -o json')).out];
    for (const document of documents) assert.deepEqual(schema.safeParse(JSON.parse(document)).error?.issues ?? [], []);
  });

  it('are refused where they do not go with what is asked', async () => {
    const refusals: [question: string, message: RegExp][] = [
      ['--events --watch', /--events and --watch do not go together/],
      ['--events -i', /--events and -i do not go together/],
      ['--events --format diff', /--events and --format diff do not go together/],
      ['--events --format table -o json', /--events and --format table do not go together/],
      ['deployment web -n storefront --events --field spec.replicas', /--events and --field do not go together/],
      ['events --types Bad', /--types: "Bad" is no type of Events/],
      ['events -l app=web', /unknown option '-l'/],
      ['--at 2026-11-30T13:18:40Z --events', /--at and --events do not go together/],
    ];
    for (const [question, message] of refusals) {
      const { code, err } = await answer(question);
      assert.equal(code, 2, question);
      assert.match(err, message);
    }
    const unknown = await answer('events pod nosuch -n checkout');
    assert.equal(unknown.code, 3);
    assert.match(unknown.err, /the ledger has no pod "nosuch" in namespace checkout/);
  });

  it('are said not to be recorded where there are none, and a storm that was only counted is told', async () => {
    const path = file('storm.db');
    const storm = openSqliteStore(path, 'storm', 0);
    const askStorm = (question: string): ReturnType<typeof ask> => ask([...question.split(' '), '--db', path], { now });
    assert.match((await askStorm('events')).err, /no Events are recorded: the server watches them/);
    const shown = Array.from({ length: 600 }, (_, n) => {
      const event = eventDocument({ metadata: { uid: `e-${n}`, resourceVersion: String(n + 1) } });
      return { uid: `e-${n}`, event, goneAt: null };
    });
    await storm.takeEvents(shown, { keepFrom: 0, maxBytes: Number.MAX_SAFE_INTEGER });
    const { err } = await askStorm('events');
    assert.match(err, /a storm: 100 more BackOff of pod\/web in shop were only counted, 2026-11-30T13:00:00.000Z to 2026-11-30T13:00:00.000Z/); // prettier-ignore
    const { out, code } = await askStorm('--events');
    assert.equal(code, 0);
    assert.match(
      out,
      /^-\t2026-11-30T13:00:00.000Z\tkubelet\tBackOff x500 pod\/shop\/web: Back-off restarting failed container$/m,
    );
    await storm.takeEvents([], { keepFrom: 0, maxBytes: 100_000 });
    assert.match((await askStorm('events')).err, /Events that ended before 2026-11-30 13:00:00.001 UTC were given up/);
    await storm.close();
  });
});
