import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Blame, ownerAt } from './blame.ts';
import { pairItems } from './pairing.ts';
import { diff } from './patch.ts';
import { edited, editsOf, type Edit } from './testing/edited-list.ts';
import type { Json, JsonObject } from './types.ts';

/** An item, and which change set what of it: what was done is the truth, not what the list looks like. */
interface Tracked {
  value: JsonObject;
  madeBy: number;
  setBy: Record<string, number>;
}

let made = 0;
/** Without a field that could be a merge key. Three values are its own: it stays more like itself than like a new one. */
const newItem = fc.tuple(fc.nat(3), fc.constantFrom('Exact', 'Prefix')).map(([weight, kind]): JsonObject => {
  made++;
  return { match: { kind, prefix: `/p${made}` }, to: { service: `s${made}` }, weight, note: `n${made}` };
});

/** The edits of each change: what comes and goes at once cannot be told from a change of what went. */
const history: fc.Arbitrary<Edit[][]> = fc.array(
  editsOf(newItem, 3).filter(
    (edits) => !['insert', 'remove'].every((kind) => edits.some((edit) => edit.kind === kind)),
  ),
  { minLength: 1, maxLength: 8 },
);

function applied(list: readonly Tracked[], edits: readonly Edit[], seq: number): Tracked[] {
  return edits.reduce<Tracked[]>(
    (now, edit) => {
      const insert = (value: JsonObject): Tracked => ({ value, madeBy: seq, setBy: {} });
      const set = (item: Tracked): Tracked => {
        if (edit.kind !== 'set' || item.value[edit.key] === edit.value) return item;
        return {
          ...item,
          value: { ...item.value, [edit.key]: edit.value },
          setBy: { ...item.setBy, [edit.key]: seq },
        };
      };
      return edited(now, edit, insert, set);
    },
    [...list],
  );
}

/** What changed and changed back within one change was not changed by it. */
function settled(list: readonly Tracked[], before: readonly Tracked[]): Tracked[] {
  return list.map((item) => {
    const old = before.find(({ value }) => identityOf(value) === identityOf(item.value));
    if (old === undefined) return { ...item, setBy: {} };
    const setBy = { ...item.setBy };
    for (const key of ['weight', 'note']) {
      if (old.value[key] !== item.value[key]) continue;
      delete setBy[key];
      if (old.setBy[key] !== undefined) setBy[key] = old.setBy[key];
    }
    return { ...item, setBy };
  });
}

function identityOf(value: JsonObject): Json {
  return (value['match'] as JsonObject)['prefix'] ?? null;
}

describe('lists whose items no merge key tells apart', () => {
  it('are followed through what people did to them, by pairs, blame and patches', () => {
    fc.assert(
      fc.property(fc.array(newItem, { maxLength: 6 }), history, (first, changes) => {
        const versions: Tracked[][] = [first.map((value) => ({ value, madeBy: 1, setBy: {} }))];
        for (const [index, edits] of changes.entries()) {
          const before = versions.at(-1) ?? [];
          versions.push(settled(applied(before, edits, index + 2), before));
        }
        const bodies = versions.map((list): JsonObject => ({ rules: list.map(({ value }) => value) }));
        for (const [index, edits] of changes.entries()) {
          const [before = [], after = []] = versions
            .slice(index, index + 2)
            .map((list) => list.map(({ value }) => value));
          const names = before.map(identityOf);
          const truth = after
            .map((value) => names.indexOf(identityOf(value)))
            .map((place) => (place < 0 ? null : place));
          assert.deepEqual(pairItems('rules', before, after), truth);
          assert.ok(diff({ rules: before }, { rules: after }).length <= edits.length);
        }

        const blame = new Blame(bodies.at(-1) ?? {});
        for (let seq = bodies.length; seq > 0 && !blame.done; seq--) {
          const [before, after] = [bodies[seq - 2] ?? null, bodies[seq - 1] ?? {}];
          blame.back({ seq, before, after, ignored: false, patch: diff(before, after) });
        }
        const owners = blame.owners();
        for (const [place, { madeBy, setBy }] of (versions.at(-1) ?? []).entries()) {
          const owner = (...at: string[]): number => ownerAt(owners, ['rules', String(place), ...at]).seq;
          assert.deepEqual(
            [owner(), owner('match', 'kind'), owner('to', 'service'), owner('weight'), owner('note')],
            [madeBy, madeBy, madeBy, setBy['weight'] ?? madeBy, setBy['note'] ?? madeBy],
          );
        }
      }),
      { numRuns: 500 },
    );
  });

  it('are paired by what is most alike, whatever the order', () => {
    const env = (name: string, value: string): JsonObject => ({ name, value });
    const pairs = (before: Json[], after: Json[]): (number | null)[] => pairItems('env', before, after);
    // A name that occurs twice still counts for more than a value.
    assert.deepEqual(pairs([env('A', 't'), env('B', 'u'), env('A', 't')], [env('A', 'u'), env('A', 't')]), [0, 2]);
    assert.deepEqual(pairs([env('A', '1'), env('A', '2')], [env('NEW', '1'), env('A', '2')]), [0, 1]);
    // What has nothing in common is not the same, also in the same place.
    assert.deepEqual(pairs([{ x: [1] }], [{ y: 'z' }]), [null]);
    assert.deepEqual(pairs([{ x: 1 }], ['x']), [null]);
    assert.deepEqual(pairs(['--a=1', '--b=2', '--c=3'], ['--b=3', '--c=3']), [1, 2]);
    assert.deepEqual(pairs(['a'], ['b']), [0]);
  });

  it('are paired in order, and soon, where there are too many to compare each with each', () => {
    const items = (count: number, from: number): JsonObject[] =>
      Array.from({ length: count }, (_, index) => ({ x: `${from + index}`, y: 1 }));
    const kept = { x: 'kept', y: 2 };
    assert.deepEqual(
      pairItems('rules', [...items(80, 0), kept, ...items(2, 900)], [...items(80, 100), kept, ...items(2, 950)]),
      [...Array(83).keys()],
    );
  });
});

describe('the merge keys of lists of built-in types', () => {
  const pairs = (field: string, before: JsonObject[], after: JsonObject[]): (number | null)[] =>
    pairItems(field, before, after);

  it('are those that tell the items apart', () => {
    const port = (containerPort: number, protocol: string, hostPort = 0): JsonObject => ({
      ...{ containerPort, protocol, hostPort },
    });
    assert.deepEqual(
      pairs('ports', [port(53, 'TCP'), port(53, 'UDP')], [port(53, 'UDP', 9), port(80, 'TCP'), port(53, 'TCP', 9)]),
      [1, null, 0],
    );
    const metric = (type: string, of: string, name: string, value: number): JsonObject => ({
      type,
      [of]: { metric: { name }, target: { averageValue: value } },
    });
    assert.deepEqual(
      pairs(
        'metrics',
        [metric('Pods', 'pods', 'a', 1), metric('Pods', 'pods', 'b', 1), metric('External', 'external', 'a', 1)],
        [metric('External', 'external', 'a', 2), metric('Pods', 'pods', 'b', 2), metric('Pods', 'pods', 'c', 1)],
      ),
      [2, 1, null],
    );
    const spread = (topologyKey: string, whenUnsatisfiable: string, maxSkew: number): JsonObject => ({
      ...{ topologyKey, whenUnsatisfiable, maxSkew },
    });
    const [zone, soft] = ['DoNotSchedule', 'ScheduleAnyway'];
    assert.deepEqual(
      pairs(
        'topologySpreadConstraints',
        [spread('zone', zone, 1), spread('zone', soft, 1)],
        [spread('zone', soft, 2), spread('zone', zone, 3)],
      ),
      [1, 0],
    );
    assert.deepEqual(
      pairs(
        'hostAliases',
        [{ ip: '1.1.1.1', hostnames: ['a'] }],
        [
          { ip: '2.2.2.2', hostnames: ['a'] },
          { ip: '1.1.1.1', hostnames: ['b'] },
        ],
      ),
      [null, 0],
    );
    const toleration = (more: JsonObject): JsonObject => ({ operator: 'Exists', ...more });
    assert.deepEqual(
      pairs(
        'tolerations',
        [toleration({}), toleration({ key: 'a', effect: 'NoExecute', tolerationSeconds: 300 })],
        [toleration({ key: 'a', effect: 'NoExecute', tolerationSeconds: 60 }), toleration({})],
      ),
      [1, 0],
    );
  });
});
