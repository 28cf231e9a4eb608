import fc from 'fast-check';
import type { Json, JsonObject } from '../types.ts';

/** What somebody does to a list of objects. Places are taken modulo the length of the list. */
export type Edit =
  | { kind: 'insert'; at: number; item: JsonObject }
  | { kind: 'remove'; at: number }
  | { kind: 'move'; at: number; to: number }
  | { kind: 'set'; at: number; key: string; value: Json };

const word = fc.constantFrom('a', 'b', 'c', 'd');
const scalar: fc.Arbitrary<Json> = fc.oneof(word, fc.nat(3), fc.boolean());

/** An object like those in lists of rules, peers and the like, out of few values: equal and similar ones are frequent. */
export const item: fc.Arbitrary<JsonObject> = fc.record(
  {
    name: word,
    port: fc.nat(3),
    paths: fc.array(fc.record({ path: word, type: word }, { requiredKeys: ['path'] }), { maxLength: 3 }),
    match: fc.dictionary(word, word, { maxKeys: 3 }),
    weight: scalar,
  },
  { requiredKeys: [] },
);

const at = fc.nat(20);

/** Edits of a list; `newItem` is what they insert. */
export function editsOf(newItem: fc.Arbitrary<JsonObject>, maxLength: number): fc.Arbitrary<Edit[]> {
  const edit: fc.Arbitrary<Edit> = fc.oneof(
    fc.record({ kind: fc.constant('insert' as const), at, item: newItem }),
    fc.record({ kind: fc.constant('remove' as const), at }),
    fc.record({ kind: fc.constant('move' as const), at, to: at }),
    fc.record({ kind: fc.constant('set' as const), at, key: fc.constantFrom('weight', 'note'), value: scalar }),
  );
  return fc.array(edit, { maxLength });
}

/** The list after an edit; `list` is not changed. `set` makes the item that stands in the place of another. */
export function edited<T>(list: readonly T[], edit: Edit, made: (item: JsonObject) => T, set: (item: T) => T): T[] {
  const result = [...list];
  const place = edit.at % Math.max(1, list.length);
  const [old] = edit.kind === 'insert' ? [] : result.splice(place, 1);
  if (edit.kind === 'insert') result.splice(place, 0, made(edit.item));
  else if (old === undefined) return result;
  else if (edit.kind === 'move') result.splice(edit.to % list.length, 0, old);
  else if (edit.kind === 'set') result.splice(place, 0, set(old));
  return result;
}

/** Two versions of a list, the second made from the first by some edits. */
export const versions: fc.Arbitrary<[JsonObject[], JsonObject[]]> = fc
  .tuple(fc.array(item, { maxLength: 6 }), editsOf(item, 5))
  .map(([list, edits]) => [
    list,
    edits.reduce((now, edit) => {
      const set = (old: JsonObject): JsonObject => (edit.kind === 'set' ? { ...old, [edit.key]: edit.value } : old);
      return edited(now, edit, (made) => made, set);
    }, list),
  ]);
