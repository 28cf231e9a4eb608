import { canonicalJson, isObject, unescapeText } from './json.ts';
import { identify } from './merge-key.ts';
import { pairItems, pairTexts, textLines } from './pairing.ts';
import { touchedBy, type Touched } from './touched.ts';
import type { Json, JsonObject, Owner, OwnerTree, Patch, RemovedPart } from './types.ts';

/** One step of an object's history: a change, and the bodies around it. */
export interface BlameStep {
  seq: number;
  /** null where there was none. */
  before: JsonObject | null;
  after: JsonObject;
  /** True if the change is ignored: its values belong to whoever set them before. */
  ignored: boolean;
  /** True if it is ignored because it is nobody's change; this is not reported. */
  silent?: boolean;
  /** The patch from `before` to `after`, so that only what it touches is compared. */
  patch: Patch;
}

/** A part of the body whose origin is being looked for. */
interface Part {
  /** Its value in the final body. */
  final: Json;
  /** null until the change that set it is found. */
  owner: Owner | null;
  /** The newest ignored change that set it. */
  through: number | null;
  /** Members by key; list items and lines of text by their index in the final body. */
  inside: Map<string, Part>;
  /** Its index in the list, in the version that has been reached so far. */
  place: number;
  removed: Omit<RemovedPart, 'at'>[];
  /** The only member that is asked about, if the field lies in it. */
  only: string | undefined;
  /** Number of parts that have no owner yet, this one included. */
  open: number;
}

/**
 * Finds who last set each part of a body. Feed it the object's changes, newest first, until it is `done`.
 *
 * A value belongs to the change that set it; an object or a list belongs to the change that added it. Members are matched
 * by key and list items by pairItems(), so a new order or index is never counted as a change. Lines of text work as in git:
 * each line belongs to the change that added it, and the text as a whole to the change that added its key.
 * What an ignored change set belongs to whoever set it before; what did not exist before stays with the ignored change.
 */
export class Blame {
  private readonly root: Part;

  /** `field`: keys and indexes of the only part of the body that is asked about; `withRemoved`: whether removed() will be called. */
  constructor(
    body: JsonObject,
    field: readonly string[] = [],
    private readonly withRemoved = true,
  ) {
    this.root = partOf(body, field);
  }

  /** True once every part has an owner: older changes cannot add anything. */
  get done(): boolean {
    return this.root.open === 0;
  }

  /** False if everything that the change touches has an owner already: the change may then be left out. */
  concerns(touched: Touched): boolean {
    return isOpen(this.root, touched, this.withRemoved);
  }

  /** Goes one change back. */
  back({ before, after, patch, ...facts }: BlameStep): void {
    const step = { ...facts, withRemoved: this.withRemoved && !facts.ignored };
    if (before === null) claim(this.root, step);
    else visit(this.root, '', after, before, touchedBy(patch), step);
  }

  /** The owners. Call it when done. */
  owners(): OwnerTree {
    return treeOf(this.root, null) ?? { seq: 0 };
  }

  /** Parts that no longer exist, with the change that removed them. Removals by ignored changes are left out. */
  removed(): RemovedPart[] {
    const found: RemovedPart[] = [];
    const collect = (part: Part, at: readonly string[]): void => {
      found.push(...part.removed.map((removed) => ({ at: [...at], ...removed })));
      for (const [key, inner] of part.inside) collect(inner, [...at, unescapeText(key)]);
    };
    collect(this.root, []);
    return found;
  }
}

function partOf(final: Json, field: readonly string[], key = ''): Part {
  const inside = new Map<string, Part>();
  const [only, ...rest] = field;
  for (const [inner, value] of membersOf(final)) {
    if (only === undefined || only === inner) inside.set(inner, partOf(value, rest, inner));
  }
  // Nothing outside of the field is asked about.
  const owner = only === undefined ? null : { seq: 0 };
  const part: Part = { final, owner, through: null, inside, place: Number(key), removed: [], only, open: 0 };
  recount(part);
  return part;
}

function membersOf(value: Json): [string, Json][] {
  if (Array.isArray(value)) return value.map((item, place): [string, Json] => [String(place), item]);
  if (isObject(value)) return Object.entries(value);
  const lines = typeof value === 'string' ? textLines(value) : null;
  return (lines ?? []).map((line, place): [string, Json] => [String(place), line]);
}

/** True if something that the change may have touched has no owner yet. */
function isOpen(part: Part, touched: Touched, withRemoved: boolean): boolean {
  if (part.open === 0 || touched === 'all') return part.open > 0;
  if (Array.isArray(part.final)) {
    // Here indexes are reliable: no item was added or removed.
    return [...part.inside.values()].some((inner) => {
      const below = touched.get(String(inner.place));
      return below !== undefined && isOpen(inner, below, withRemoved);
    });
  }
  return [...touched].some(([key, below]) => {
    if (part.only !== undefined && key !== part.only) return false;
    const inner = part.inside.get(key);
    // A member that no longer exists is reported with its parent.
    return inner === undefined ? withRemoved : isOpen(inner, below, withRemoved);
  });
}

/** The change that is being stepped back over. */
interface Step extends Pick<BlameStep, 'seq' | 'ignored' | 'silent'> {
  /** Whether its removals are reported. */
  withRemoved: boolean;
}

/** The part did not exist before this change: the change becomes the owner of the part and of everything in it that has none. */
function claim(part: Part, step: Step): void {
  if (part.open === 0) return;
  for (const inner of part.inside.values()) claim(inner, step);
  own(part, step);
  part.open = 0;
}

function own(part: Part, { seq, ignored }: Step): void {
  if (part.owner !== null) return;
  if (ignored) part.owner = { seq: part.through ?? seq };
  else part.owner = part.through === null ? { seq } : { seq, through: part.through };
}

/** `after` and `before`: the part after and before the change. */
function visit(part: Part, field: string, after: Json, before: Json, touched: Touched, step: Step): void {
  if (part.open === 0 || after === before) return;
  if (Array.isArray(after) && Array.isArray(before)) {
    const pairs = pairItems(field, before, after);
    followItems(part, pairs, after, before, step);
    if (step.withRemoved) keepRemovedItems(part, field, pairs, before, step.seq);
  } else if (isObject(after) && isObject(before)) {
    for (const key of touched === 'all' ? part.inside.keys() : touched.keys()) {
      const inner = part.inside.get(key);
      if (inner === undefined || inner.open === 0) continue;
      const [now, old] = [after[key], Object.hasOwn(before, key) ? before[key] : undefined];
      if (old === undefined || now === undefined) claim(inner, step);
      else visit(inner, key, now, old, touched === 'all' ? 'all' : (touched.get(key) ?? 'all'), step);
    }
    if (step.withRemoved) keepRemovedMembers(part, after, before, step.seq);
  } else if (kindOf(after) !== kindOf(before)) {
    claim(part, step);
  } else if (part.inside.size > 0 && typeof after === 'string' && typeof before === 'string') {
    const [lines, old] = [linesOf(after), linesOf(before)];
    const pairs = pairTexts(old, lines);
    // Whether a line break ends the last line counts as part of it, as in git.
    if (after.endsWith('\n') !== before.endsWith('\n') && pairs.at(-1) === old.length - 1)
      old.push(`${old.pop() ?? ''}\n`);
    followItems(part, pairs, lines, old, step);
  } else if (part.inside.size > 0) {
    claim(part, step);
  } else if (!step.ignored) {
    own(part, step);
  } else if (step.silent !== true) {
    part.through ??= step.seq;
  }
  recount(part);
}

function linesOf(text: string): string[] {
  return textLines(text) ?? [text];
}

function kindOf(value: Json): string {
  return Array.isArray(value) ? 'list' : isObject(value) ? 'object' : 'value';
}

function followItems(
  part: Part,
  pairs: readonly (number | null)[],
  after: readonly Json[],
  before: readonly Json[],
  step: Step,
): void {
  for (const inner of part.inside.values()) {
    if (inner.open === 0) continue;
    const place = pairs[inner.place] ?? null;
    const [now, old] = [after[inner.place], place === null ? undefined : before[place]];
    if (place === null || old === undefined || now === undefined) claim(inner, step);
    else {
      visit(inner, '', now, old, 'all', step);
      inner.place = place;
    }
  }
}

function recount(part: Part): void {
  let open = part.owner === null ? 1 : 0;
  for (const inner of part.inside.values()) open += inner.open;
  part.open = open;
}

function keepRemovedMembers(part: Part, after: JsonObject, before: JsonObject, seq: number): void {
  const { final } = part;
  // Other members are not asked about.
  if (!isObject(final) || part.only !== undefined) return;
  for (const [key, value] of Object.entries(before)) {
    if (Object.hasOwn(after, key) || Object.hasOwn(final, key)) continue;
    const name = unescapeText(key);
    if (!part.removed.some((known) => known.key === name)) part.removed.push({ key: name, value, seq });
  }
}

function keepRemovedItems(
  part: Part,
  field: string,
  pairs: readonly (number | null)[],
  before: readonly Json[],
  seq: number,
): void {
  const { final } = part;
  if (!Array.isArray(final) || part.only !== undefined) return;
  const kept = new Set(pairs);
  for (const [place, value] of before.entries()) {
    if (kept.has(place)) continue;
    const isSame = sameItem(field, value);
    const known = [...final, ...part.removed.map((removed) => removed.value)];
    // Equal items can be there several times.
    if (known.filter(isSame).length >= before.filter(isSame).length) continue;
    // Shown after the item that it followed.
    const index = 1 + nearestBefore(part, pairs, place);
    part.removed.push({ key: String(index), value, seq });
  }
}

/** Whether two items are the same one: they have the same key, or are equal. */
function sameItem(field: string, value: Json): (item: Json) => boolean {
  const text = canonicalJson(value);
  return (item) => {
    const identified = identify(field, [value], [item]);
    if (identified === null) return canonicalJson(item) === text;
    const [key = ''] = identified.before.keys();
    return identified.after.has(key);
  };
}

/** The index in the final body of the last item that stood before an index; -1 if there is none. */
function nearestBefore(part: Part, pairs: readonly (number | null)[], place: number): number {
  let best = { stood: -1, final: -1 };
  for (const [index, inner] of part.inside) {
    // The items that were followed this far are at these indexes in the version before the change.
    if (inner.open === 0 || !pairs.includes(inner.place)) continue;
    if (inner.place < place && inner.place > best.stood) best = { stood: inner.place, final: Number(index) };
  }
  return best.final;
}

/** Writes a part only if its owner differs from its parent's: most of an object is unchanged since its creation. */
function treeOf(part: Part, outer: Owner | null): OwnerTree | null {
  const owner = part.owner ?? outer ?? { seq: 0 };
  const members: Record<string, OwnerTree> = {};
  for (const [key, inner] of part.inside) {
    const tree = treeOf(inner, owner);
    if (tree !== null) members[key] = tree;
  }
  const empty = Object.keys(members).length === 0;
  if (empty && outer !== null && owner.seq === outer.seq && owner.through === outer.through) return null;
  return empty ? owner : { ...owner, members };
}

/** Who set the part of a body at these keys and indexes. */
export function ownerAt(tree: OwnerTree, at: readonly string[]): Owner {
  let found: OwnerTree = tree;
  for (const key of at) {
    const inner = found.members !== undefined && Object.hasOwn(found.members, key) ? found.members[key] : undefined;
    if (inner === undefined) break;
    found = inner;
  }
  return found.through === undefined ? { seq: found.seq } : { seq: found.seq, through: found.through };
}
