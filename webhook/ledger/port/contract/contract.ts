import assert from 'node:assert/strict';
import fc from 'fast-check';
import { applyPatch, diff, hashBody } from '../../../../shared/patch.ts';
import { canonicalJson, parseJson } from '../../../../shared/json.ts';
import { reconstruct } from '../../../../shared/reconstruct.ts';
import { asObject, objectText } from '../../../../shared/testing/arbitrary.ts';
import { checkLabelSearch } from './label-search.contract.ts';
import { seeded } from '../../../../shared/testing/random.ts';
import { SETTINGS } from '../../../../shared/testing/reviews.ts';
import type { JsonObject, Patch } from '../../../../shared/types.ts';
import { BODY_SNAPSHOT_EVERY } from '../../../record/capture/objects/draft.ts';
import type { LedgerStore, NewChange } from '../port.ts';
import { loadStep } from '../steps.ts';

/** A change for tests: the creation of a ConfigMap. */
export function newChange(seq: number, values: Partial<NewChange> = {}): NewChange {
  const body = { metadata: { name: 'settings' }, data: { seq } };
  return {
    seq,
    at: 1_000 * seq,
    object: SETTINGS,
    operation: 'CREATE',
    subresource: '',
    source: 'admission',
    actor: { username: 'alice@example.com', groups: ['dev-team'] },
    manager: 'kubectl',
    effect: 'created',
    statusOnly: false,
    late: false,
    parent: null,
    depth: 0,
    apiVersion: 'v1',
    baseResourceVersion: '',
    resourceVersion: '',
    reviewUid: `00000000-0000-4000-8000-${String(seq).padStart(12, '0')}`,
    hash: hashBody(body),
    detail: { patch: diff(null, body), options: null, cause: null, notBefore: null, managersHint: [] },
    bodySnapshot: null,
    ...values,
  };
}

/** What every store must do. `open` gives the same ledger again after it was closed; each test starts with a new one. */
export function storeContract(open: () => LedgerStore | Promise<LedgerStore>): void {
  let store: LedgerStore;
  beforeEach(async () => {
    store = await open();
  });
  afterEach(() => store.close());

  const append = (...changes: NewChange[]): Promise<void> => store.append({ changes, outcomes: [] });

  it('is empty at first', async () => {
    assert.equal(await store.last(), null);
    assert.equal(await store.first(), null);
    assert.equal(await store.seqAt(Number.MAX_SAFE_INTEGER), 0);
    assert.deepEqual(await store.changes({}, 10), []);
  });

  it('gives back what was appended, also after it was closed', async () => {
    const change = newChange(1, {
      subresource: 'status',
      late: true,
      statusOnly: true,
      operation: 'UPDATE',
      effect: 'modified',
      reviewUid: 'not-a-uuid',
      // The second group is what a name that starts with NUL is in memory: shared/json.ts.
      actor: { username: 'bob', uid: '7', groups: ['g', '\0$\0odd'], extra: { scopes: ['a', 'b'] } },
      detail: {
        patch: [{ op: 'remove', path: '/a' }],
        options: { x: 1 },
        cause: 9,
        notBefore: 5,
        managersHint: ['helm'],
        base: [{ op: 'remove', path: '/a' }],
        scale: { from: null, to: 3 },
      },
      bodySnapshot: { kind: 'ConfigMap' },
    });
    await append(change);
    await store.close();
    store = await open();
    const stored = await store.change(1);
    assert.ok(stored !== null);
    const { objectId: _, amended, outcome, outcomeReason, detail: __, ...facts } = stored;
    const { bodySnapshot: checkpoint, detail: expected, ...expectedFacts } = change;
    assert.deepEqual(facts, expectedFacts);
    assert.deepEqual(stored.detail(), expected);
    assert.deepEqual([amended, outcome, outcomeReason], [false, 'pending', '']);
    assert.deepEqual(await store.bodySnapshot(1), checkpoint);
  });

  it('appends all or nothing', async () => {
    await append(newChange(1));
    await assert.rejects(append(newChange(2), newChange(1)));
    assert.deepEqual(await store.last(), { seq: 1, at: 1000 });
    await append(newChange(2));
    assert.deepEqual(await store.last(), { seq: 2, at: 2000 });
  });

  it('keeps outcomes as they follow one another; the last one counts', async () => {
    await append(newChange(1));
    const outcome = (value: 'committed' | 'dropped', resourceVersion: string): Promise<void> =>
      store.append({
        changes: [],
        outcomes: [{ seq: 1, outcome: value, resourceVersion, reason: 'the watch shows it', at: 1 }],
      });
    await outcome('dropped', '');
    await outcome('committed', '77');
    const stored = await store.change(1);
    assert.deepEqual(
      [stored?.outcome, stored?.resourceVersion, stored?.outcomeReason],
      ['committed', '77', 'the watch shows it'],
    );
  });

  it('gives commits with what became durable together, from the one after a commit on', async () => {
    const committed = {
      seq: 1,
      outcome: 'committed',
      resourceVersion: '7',
      reason: 'the watch shows it',
      at: 3,
    } as const;
    await append(newChange(1), newChange(2));
    await store.append({
      changes: [newChange(3)],
      outcomes: [committed],
      coverage: [{ at: 9, event: 'lost', detail: 'x' }],
    });
    const commits = await store.commits(0, 10);
    const { at: _, ...told } = committed;
    assert.deepEqual(
      commits.map(({ afterSeq, lastSeq, outcomes, coverage }) => ({ afterSeq, lastSeq, outcomes, coverage })),
      [
        { afterSeq: 0, lastSeq: 2, outcomes: [], coverage: [] },
        { afterSeq: 2, lastSeq: 3, outcomes: [told], coverage: [{ at: 9, event: 'lost', detail: 'x' }] },
      ],
    );
    const [first, second] = commits;
    assert.notDeepEqual(first?.hash, second?.hash);
    assert.deepEqual(await store.commits(first?.id ?? 0, 10), [second]);
    assert.deepEqual(await store.commits(0, 1), [first]);
    assert.deepEqual(await store.commits(second?.id ?? 0, 10), []);
  });

  it('gives a change as it was amended: in its patch, its body, the whole body beside it, and to what follows', async () => {
    const created = { apiVersion: 'v1', data: { a: '1' } };
    const shown = { apiVersion: 'v2', data: { a: '1', filled: 'in' } };
    const next = { apiVersion: 'v2', data: { a: '2', filled: 'in' } };
    const patch: Patch = [
      { op: 'replace', path: '/apiVersion', value: 'v2' },
      { op: 'add', path: '/data/filled', value: 'in' },
    ];
    const whole = newChange(1).detail;
    await append(
      newChange(1, { detail: { ...whole, patch: [{ op: 'add', path: '', value: { data: {} } }] } }),
      newChange(2, {
        ...{ parent: 1, effect: 'modified', apiVersion: 'v1', hash: hashBody(created), bodySnapshot: created },
        detail: { ...whole, patch: [{ op: 'replace', path: '', value: created }] },
      }),
    );
    const amendment = { patch, apiVersion: 'v2', hash: hashBody(shown) ?? Buffer.alloc(0) };
    const settled = {
      seq: 2,
      outcome: 'committed',
      resourceVersion: '7',
      reason: 'the watch shows it',
      at: 1,
    } as const;
    await store.append({
      changes: [
        newChange(3, {
          ...{ parent: 2, depth: 1, effect: 'modified', apiVersion: 'v2', hash: hashBody(next) },
          detail: { ...whole, patch: [{ op: 'replace', path: '/data/a', value: '2' }] },
        }),
      ],
      outcomes: [{ ...settled, amendment }],
    });
    await store.close();
    store = await open();
    const stored = await store.change(2);
    assert.deepEqual([stored?.amended, stored?.apiVersion, stored?.hash], [true, 'v2', hashBody(shown)]);
    assert.deepEqual(stored?.detail().patch, [{ op: 'replace', path: '', value: created }, ...patch]);
    assert.deepEqual([await store.body(2), await store.bodySnapshot(2), await store.body(3)], [shown, shown, next]);
    const line = await store.lineage(3);
    assert.deepEqual(
      line.map(({ seq, apiVersion, bodySnapshot: checkpoint }) => [seq, apiVersion, checkpoint()]),
      [
        [3, 'v2', null],
        [2, 'v2', shown],
      ],
    );
    assert.deepEqual(line[1]?.patch(), stored?.detail().patch);
  });

  it('takes what is not a request for a fact', async () => {
    await append(newChange(1, { source: 'baseline', actor: null, resourceVersion: '5' }));
    const stored = await store.change(1);
    assert.deepEqual([stored?.outcome, stored?.resourceVersion, stored?.actor], ['committed', '5', null]);
  });

  it('finds the last change not after a moment', async () => {
    await append(newChange(1), newChange(2, { at: 2000 }), newChange(3, { at: 2000 }), newChange(4, { at: 9000 }));
    const at = [999, 1000, 1999, 2000, 8999, 9000].map((time) => store.seqAt(time));
    assert.deepEqual(await Promise.all(at), [0, 1, 1, 3, 3, 4]);
  });

  it('filters by object, namespace, user and seq; a name never matches a longer one', async () => {
    const named = (name: string, namespace = 'shop', group = '', resource = 'configmaps'): NewChange['object'] => ({
      group,
      resource,
      kind: 'X',
      namespace,
      name,
      uid: `${namespace}/${name}`,
    });
    await append(
      newChange(1, { object: named('nginx') }),
      newChange(2, { object: named('nginx-2') }),
      newChange(3, { object: named('nginx', 'web') }),
      newChange(4, { object: named('nginx', 'shop', 'example.com') }),
      newChange(5, { object: named('shop', '', '', 'namespaces'), actor: { username: 'bob', groups: [] } }),
    );
    const seqs = async (filter: Parameters<LedgerStore['changes']>[0]): Promise<number[]> =>
      (await store.changes(filter, 10)).map(({ seq }) => seq);
    assert.deepEqual(await seqs({ names: ['nginx'] }), [4, 3, 1]);
    assert.deepEqual(
      await seqs({ type: { group: '', resource: 'configmaps' }, names: ['nginx'], namespace: 'shop' }),
      [1],
    );
    assert.deepEqual(await seqs({ namePrefix: 'nginx-' }), [2]);
    assert.deepEqual(await seqs({ namespace: 'shop' }), [4, 2, 1]);
    assert.deepEqual(await seqs({ namespace: 'shop', withNamespaceObject: true }), [5, 4, 2, 1]);
    assert.deepEqual(await seqs({ username: 'bob' }), [5]);
    assert.deepEqual(await seqs({ minSeq: 2, maxSeq: 3 }), [3, 2]);
    assert.deepEqual(await seqs({ namespace: "shop' OR 1=1 --" }), []);
    assert.deepEqual(
      (await store.changes({}, 2)).map(({ seq }) => seq),
      [5, 4],
    );
  });

  it('leaves out what is of status alone, and finds the version that it builds on', async () => {
    await append(
      newChange(1),
      newChange(2, { parent: 1, statusOnly: true }),
      newChange(3, { parent: 2, statusOnly: true }),
      newChange(4, { parent: 3 }),
      newChange(5, { statusOnly: true }),
    );
    const rows = await store.changes({ withoutStatus: true }, 10);
    assert.deepEqual(
      rows.map(({ seq }) => seq),
      [4, 1],
    );
    assert.deepEqual(await Promise.all([1, 2, 3, 4, 5, 6].map((seq) => store.origin(seq))), [1, 1, 1, 4, 5, null]);
  });

  it('counts by user and type, without what was never persisted and, unless asked, without status', async () => {
    const bob = { username: 'bob', groups: [] };
    const pods = { ...newChange(1).object, resource: 'pods', kind: 'Pod' };
    await append(
      newChange(1),
      newChange(2, { actor: bob }),
      newChange(3, { actor: bob, object: pods }),
      newChange(4, { actor: bob, object: pods, statusOnly: true, manager: 'kubelet' }),
      newChange(5, { actor: bob, object: pods, statusOnly: true, manager: 'kubectl-edit' }),
      newChange(6, { actor: null, source: 'watch' }),
      newChange(7, { actor: bob }),
    );
    const reason = 'the watch never showed it';
    await store.append({
      changes: [],
      outcomes: [{ seq: 7, outcome: 'dropped', resourceVersion: '', reason, at: 8000 }],
    });
    const configMaps = { group: '', resource: 'configmaps', kind: 'ConfigMap' };
    const alice = { username: 'alice@example.com', ...configMaps, changes: 1, firstAt: 1000, lastAt: 1000 };
    const bobs = { username: 'bob', ...configMaps, changes: 1, firstAt: 2000, lastAt: 2000 };
    const his = { username: 'bob', group: '', resource: 'pods', kind: 'Pod', firstAt: 3000, lastAt: 5000 };
    assert.deepEqual(await store.users({}, false), [alice, { ...his, changes: 2 }, bobs]);
    assert.deepEqual(await store.users({}, true), [alice, { ...his, changes: 3 }, bobs]);
    assert.deepEqual(await store.users({ maxSeq: 1 }, true), [alice]);
  });

  it('tells which objects may exist: not those that were deleted, or never were', async () => {
    const object = (name: string) => ({ object: { ...SETTINGS, name, uid: name } });
    const deleted = (parent: number) => ({
      operation: 'DELETE' as const,
      effect: 'deleted' as const,
      parent,
      hash: null,
      detail: { ...newChange(1).detail, patch: [{ op: 'remove' as const, path: '' }] },
    });
    await append(
      newChange(1, object('alive')),
      newChange(2, object('refused')),
      newChange(3, object('gone')),
      newChange(4, { ...object('gone'), ...deleted(3) }),
      newChange(5, object('still-there')),
      newChange(6, { ...object('still-there'), ...deleted(5) }),
      newChange(7, object('asked-to-go')),
      newChange(8, { ...object('asked-to-go'), ...deleted(7) }),
      newChange(9, { ...object('act-only'), effect: 'none' }),
    );
    const settle = (seq: number, outcome: 'committed' | 'dropped') => ({
      seq,
      outcome,
      resourceVersion: '',
      reason: 'the watch shows it' as const,
      at: 9_000,
    });
    await store.append({
      changes: [],
      outcomes: [settle(1, 'committed'), settle(2, 'dropped'), settle(4, 'committed'), settle(6, 'dropped')],
    });
    const { objects, next } = await store.mayExist({});
    assert.deepEqual(
      objects.map(({ name }) => name),
      ['alive', 'asked-to-go', 'still-there'],
    );
    assert.equal(next, null);
    assert.deepEqual((await store.mayExist({ namespace: 'other' })).objects, []);
  });

  it('tells so of many, some at a time', async () => {
    await append(
      ...Array.from({ length: 600 }, (_, n) =>
        newChange(n + 1, { object: { ...SETTINGS, name: `c-${n}`, uid: `${n}` } }),
      ),
    );
    const found: string[] = [];
    let pages = 0;
    for (let after: number | null | undefined; after !== null; pages++) {
      const page = await store.mayExist({}, after);
      found.push(...page.objects.map(({ name }) => name));
      after = page.next;
    }
    assert.equal(pages, 3);
    assert.deepEqual(
      found,
      (await store.objects({}, 1000)).map(({ name }) => name),
    );
  });

  it('lists objects in order, page by page, and a name’s incarnations', async () => {
    const object = (name: string, uid: string): NewChange['object'] => ({ ...newChange(1).object, name, uid });
    await append(
      newChange(1, { object: object('b', '1') }),
      newChange(2, { object: object('a', '2') }),
      newChange(3, { object: object('b', '3') }),
    );
    const names = (await store.objects({}, 10)).map(({ name, uid }) => `${name}/${uid}`);
    assert.deepEqual(names, ['a/2', 'b/1', 'b/3']);
    const [first] = await store.objects({}, 1);
    assert.deepEqual(
      (await store.objects({}, 10, first?.id)).map(({ uid }) => uid),
      ['1', '3'],
    );
    assert.deepEqual(
      (await store.incarnations(object('b', ''))).map(({ uid }) => uid),
      ['3', '1'],
    );
    const [b] = await store.objects({ uid: '1' }, 1);
    assert.deepEqual(await store.lifetime(b?.id ?? 0), { firstAt: 1000, lastAt: 1000 });
    assert.deepEqual(await store.lifetime(b?.id ?? 0, true), { firstAt: 1000, lastAt: 1000 });
  });

  it('gives every object once, whatever the pages, in the order of type, namespace and name, narrowed as it is asked', async () => {
    const random = seeded(1);
    const pick = <T>(...values: T[]): T => values[Math.floor(random() * values.length)] as T;
    const objects = Array.from({ length: 120 }, (_, n) => {
      const [group, resource] = pick(['', 'configmaps'], ['', 'namespaces'], ['apps', 'deployments'], ['b.io', 'configmaps']); // prettier-ignore
      const namespace = resource === 'namespaces' ? '' : pick('shop', 'bank', 'a');
      const name = pick('shop', 'bank', 'a', 'ab', 'a-b', 'z');
      return { group: group ?? '', resource: resource ?? '', kind: 'X', namespace, name, uid: String(n) };
    });
    await append(...objects.map((object, index) => newChange(index + 1, { object })));
    const order = ({ group, resource, namespace, name, uid }: NewChange['object']): string =>
      [group, resource, namespace, name, uid.padStart(3, '0')].join('\0');
    const type = { group: '', resource: 'configmaps' };
    const questions: [Parameters<LedgerStore['objects']>[0], (object: NewChange['object']) => boolean][] = [
      [{}, () => true],
      [{ type }, ({ group, resource }) => group === '' && resource === 'configmaps'],
      [{ namespace: 'shop' }, ({ namespace }) => namespace === 'shop'],
      [
        { namespace: 'shop', withNamespaceObject: true },
        ({ namespace, resource, name }) => namespace === 'shop' || (resource === 'namespaces' && name === 'shop'),
      ],
      [
        { within: ['shop', 'a'] },
        ({ namespace, resource, name }) =>
          ['shop', 'a'].includes(namespace) || (resource === 'namespaces' && ['shop', 'a'].includes(name)),
      ],
      [{ names: ['a', 'z'] }, ({ name }) => name === 'a' || name === 'z'],
      [{ type, namespace: 'bank', namePrefix: 'a' }, ({ group, resource, namespace, name }) => group === '' && resource === 'configmaps' && namespace === 'bank' && name.startsWith('a')], // prettier-ignore
      [{ type: { group: 'x', resource: 'y' } }, () => false],
    ];
    for (const [filter, matches] of questions) {
      const expected = objects.filter(matches).map(order).sort();
      for (const size of [1, 7, 500]) {
        const found: string[] = [];
        for (let after: number | undefined; ;) {
          const page = await store.objects(filter, size, after);
          found.push(...page.map(order));
          after = page.at(-1)?.id;
          if (page.length < size) break;
        }
        assert.deepEqual(found, expected, JSON.stringify(filter));
      }
    }
  });

  it('finds changes by the labels that their objects had, as one finds them who rebuilds each', async function () {
    this.timeout(60_000);
    for (const seed of [1, 2]) await checkLabelSearch(store, seed);
  });

  it('gives the tail of an object back to its last committed change', async () => {
    await append(
      newChange(1, { source: 'baseline' }),
      newChange(2, { source: 'watch', parent: 1 }),
      newChange(3, { effect: 'none' }),
      newChange(4, { parent: 2 }),
      newChange(5, { parent: 2, late: true, source: 'watch' }),
    );
    const [object] = await store.objects({}, 1);
    const seqs = async (max?: number): Promise<number[]> =>
      (await store.tail(object?.id ?? 0, max)).map(({ seq }) => seq);
    assert.deepEqual(await seqs(), [5, 4, 2]);
    assert.deepEqual(await seqs(1), [1]);
    const versions = await store.versions(object?.id ?? 0);
    assert.deepEqual(
      versions.map(({ seq, outcome, parent, effect, late, at, manager, actor }) => ({
        ...{ seq, outcome, parent, effect, late, at, manager, actor },
      })),
      (await store.tail(object?.id ?? 0)).map(({ seq, outcome, parent, effect, late, at, manager, actor }) => ({
        ...{ seq, outcome, parent, effect, late, at, manager, actor },
      })),
    );
    assert.deepEqual(
      (await store.openAttempts(0, 10)).map(({ seq }) => seq),
      [4],
    );
    assert.deepEqual(
      (await store.openAttempts(5, 10)).map(({ seq }) => seq),
      [],
    );
  });

  it('rebuilds every state of a random history as the direct fold has it', async () => {
    let seq = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(objectText, { minLength: 1, maxLength: 2 * BODY_SNAPSHOT_EVERY }), async (texts) => {
        const bodies: (JsonObject | null)[] = [];
        let before: JsonObject | null = null;
        const changes: NewChange[] = [];
        for (const text of texts) {
          const body = asObject(parseJson(text));
          const depth = changes.length % BODY_SNAPSHOT_EVERY;
          changes.push(
            newChange(++seq, {
              parent: changes.length === 0 ? null : seq - 1,
              depth,
              detail: { ...newChange(1).detail, patch: diff(before, body) },
              bodySnapshot: depth === 0 && changes.length > 0 ? body : null,
            }),
          );
          before = applyPatch(before, diff(before, body));
          bodies.push(before);
        }
        const first = seq - changes.length + 1;
        await append(...changes);
        for (const [index, body] of bodies.entries()) {
          const rebuilt = await reconstruct(first + index, (at) => loadStep(store, at));
          assert.equal(canonicalJson(rebuilt), canonicalJson(body));
          assert.equal(canonicalJson(await store.body(first + index)), canonicalJson(body));
        }
      }),
      { numRuns: 20 },
    );
  });
}
