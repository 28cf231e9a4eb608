import assert from 'node:assert/strict';
import { seeded } from '../../../../shared/testing/random.ts';
import { SETTINGS } from '../../../../shared/testing/reviews.ts';
import type { LedgerStore, NewChange } from '../port.ts';
import { checkLabelSearch } from './label-search.contract.ts';
import { newChange } from './new-change.ts';

/** What every store must find. `open` gives a new, empty ledger. */
export function questionsContract(open: () => LedgerStore | Promise<LedgerStore>): void {
  let store: LedgerStore;
  beforeEach(async () => {
    store = await open();
  });
  afterEach(() => store.close());

  const append = (...changes: NewChange[]): Promise<void> => store.append({ changes, outcomes: [] });

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
    assert.deepEqual(
      [...(await store.origins([1, 2, 3, 4, 5, 6]))],
      [
        [1, 1],
        [2, 1],
        [3, 1],
        [4, 4],
        [5, 5],
      ],
    );
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
}
