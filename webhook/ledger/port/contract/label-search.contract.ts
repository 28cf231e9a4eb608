import assert from 'node:assert/strict';
import { labelsOf } from '../../../../shared/labels.ts';
import { diff, hashBody } from '../../../../shared/patch.ts';
import { matchesSelector, parseSelector } from '../../../../shared/selector.ts';
import { seeded } from '../../../../shared/testing/random.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { newChange } from './new-change.ts';
import type { ChangeFilter, LedgerStore, NewChange, NewOutcome, StoredChange } from '../port.ts';

const SELECTORS = [
  ...['app=web', 'app', '!app', 'app!=web', 'app in (web,api),tier', 'tier notin (db)', 'rank>5', 'rank<5,app=api'],
  ...['app=none', 'none', '!none', 'app=web,app!=web', 'never!=x,app=db'],
];

interface Version {
  seq: number;
  depth: number;
  body: JsonObject;
}

/**
 * Fills a store further with a random history (relabelled objects, changes made from an older version than the last,
 * acts, ends and beginnings again), and compares each answer by labels with one that rebuilds every state.
 */
export async function checkLabelSearch(store: LedgerStore, seed: number): Promise<void> {
  await appendRandomly(store, seed);
  const all = (await store.changes({}, Number.MAX_SAFE_INTEGER)).reverse();
  await compareLabelSearch(store, await slowLabels(store, all), (await store.last())?.seq ?? 0);
}

/** Appends 200 changes of 12 objects in 8 commits. */
export async function appendRandomly(store: LedgerStore, seed: number): Promise<void> {
  const random = seeded(seed);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const objects = Array.from({ length: 12 }, (_, n): NewChange['object'] => ({
    ...newChange(1).object,
    namespace: pick(['shop', 'bank']),
    name: `${seed}-${n}`,
    uid: `${seed}-${n}`,
  }));
  const versions = new Map<string, Version[]>();
  const ended = new Set<string>();
  let seq = (await store.last())?.seq ?? 0;
  for (let batch = 0; batch < 8; batch++) {
    const changes: NewChange[] = [];
    const outcomes: NewOutcome[] = [];
    for (let n = 0; n < 25; n++) {
      const object = pick(objects);
      const known = versions.get(object.uid) ?? [];
      versions.set(object.uid, known);
      const from = random() < 0.8 ? known.at(-1) : known.at(-2);
      const change = randomChange(++seq, object, from, known, random, pick);
      changes.push(change);
      const picked = pick(['committed', 'dropped', null] as const);
      // An incarnation ends once.
      const endsAgain = change.effect === 'deleted' && picked === 'committed' && ended.has(object.uid);
      const outcome = endsAgain ? 'dropped' : picked;
      if (change.effect === 'deleted' && outcome === 'committed') ended.add(object.uid);
      const told = { resourceVersion: '', reason: 'the watch shows it', at: change.at } as const;
      if (outcome !== null) outcomes.push({ seq, outcome, ...told });
    }
    await store.append({ changes, outcomes });
  }
}

/** Asks for the changes up to a seq by many selectors, and compares with what their labels are said to be. */
export async function compareLabelSearch(
  store: LedgerStore,
  labels: ReadonlyMap<number, Record<string, string>>,
  last: number,
): Promise<void> {
  const filters: ChangeFilter[] = [
    ...[{}, { namespace: 'shop' }, { names: ['1-1', '1-2', '2-1'] }, { username: 'bob' }],
    ...[{ maxSeq: last - 40 }, { minSeq: last - 60, maxSeq: last - 10 }, { within: ['bank'] }],
  ];
  for (const text of SELECTORS) {
    const selector = parseSelector(text);
    for (const filter of filters) {
      const matching = await store.changes(filter, Number.MAX_SAFE_INTEGER);
      const expected = matching.filter(({ seq }) => matchesSelector(selector, labels.get(seq) ?? {}));
      for (const limit of [5, 10_000]) {
        const found = await store.changes({ ...filter, labels: selector }, limit);
        const seqs = (rows: readonly StoredChange[]): number[] => rows.map(({ seq }) => seq);
        assert.deepEqual(seqs(found), seqs(expected.slice(0, limit)), `${text} ${JSON.stringify(filter)}`);
      }
    }
  }
}

function randomChange(
  seq: number,
  object: NewChange['object'],
  from: Version | undefined,
  known: Version[],
  random: () => number,
  pick: <T>(values: readonly T[]) => T,
): NewChange {
  const actor = { username: pick(['alice', 'bob']), groups: [] };
  const detail = newChange(1).detail;
  const parent = from?.seq ?? null;
  const what = random();
  if (what < 0.1) {
    const act = { operation: 'CONNECT', effect: 'none', subresource: 'exec', hash: null } as const;
    return newChange(seq, { object, actor, ...act, parent: null, detail: { ...detail, patch: [] } });
  }
  if (what < 0.2 && from !== undefined) {
    known.length = 0;
    const patch = diff(from.body, null);
    return newChange(seq, { object, actor, effect: 'deleted', parent, hash: null, detail: { ...detail, patch } });
  }
  const labels = { app: pick(['web', 'api', 'db']), ...pick([{}, { tier: 'db' }, { tier: 'web' }]), ...pick([{}, { rank: pick(['3', '7', 'x']) }]) }; // prettier-ignore
  const relabelled = pick([{}, { labels }, { labels: {} }]);
  const metadata =
    random() < 0.7 && from !== undefined ? (from.body.metadata ?? {}) : { name: object.name, ...relabelled };
  const body: JsonObject = { metadata, data: { seq: String(seq) } };
  const depth = from === undefined ? 0 : from.depth + 1;
  known.push({ seq, depth, body });
  const patch = diff(from?.body ?? null, body);
  const effect = from === undefined ? 'created' : 'modified';
  return newChange(seq, { object, actor, effect, parent, depth, hash: hashBody(body), detail: { ...detail, patch } });
}

/** Of each change its object's labels: those after it; of an end those before; an act leaves them as they were. */
export async function slowLabels(
  store: LedgerStore,
  oldestFirst: readonly StoredChange[],
): Promise<Map<number, Record<string, string>>> {
  const labels = new Map<number, Record<string, string>>();
  const last = new Map<number, Record<string, string>>();
  for (const { seq, objectId, parent, effect } of oldestFirst) {
    const body = effect === 'none' ? null : await store.body(seq);
    const before = parent === null ? last.get(objectId) : labels.get(parent);
    labels.set(seq, body === null ? (before ?? {}) : labelsOf(body));
    last.set(objectId, labels.get(seq) ?? {});
  }
  return labels;
}
