import { DriftFinder, isPassedOver, lastApplied, type Cluster, type Drift } from './drift.ts';
import { canonicalJson, isObject, memberOf } from './json.ts';
import { pairWanted, sameScalar } from './pair-wanted.ts';
import { pairTexts, textLines } from './pairing.ts';
import { quantityFields, sameQuantity } from './quantity.ts';
import { holdsRedacted } from './redacted.ts';
import { builtInKind } from './schema/kinds.ts';
import type { Json, JsonObject, Setter } from './types.ts';

/** How the cluster's object compares with one part of a manifest. */
export interface Match {
  /**
   * `hidden`: only a redacted value is recorded. `absent`: only the manifest has it. `extra`: only the cluster has it, and
   * somebody set it.
   */
  state: 'same' | 'differs' | 'absent' | 'hidden' | 'extra';
  /** The position of the part in the object's body; if it is absent, where it would be. */
  at: readonly string[];
  /** If it differs: the manifest's and the cluster's value. */
  wanted?: Json;
  value?: Json;
  /** If something else than its value differs: what the cluster has. */
  comment?: string;
  /** Shared by all parts that were added or removed together. */
  part: object;
}

/** A manifest merged with the cluster's object. */
export interface Comparison {
  /** The manifest, plus what somebody set in the cluster; `***` for values that are not compared. */
  body: JsonObject;
  /** The comparison for the part of `body` at these keys and indexes; for texts also for each line. */
  match: (at: readonly string[]) => Match;
  differs: boolean;
}

export interface CompareOptions {
  /** Users whose settings do not count if only the cluster has them. */
  hides?: (setter: Setter) => boolean;
}

export const MASK = '***';

interface Node extends Omit<Match, 'part'> {
  merged: Json;
  inside: Map<string, Node>;
}

/** Compares a manifest with the cluster's object. Fields that the API server sets, and status, never count as different. */
export function compareManifest(manifest: JsonObject, cluster: Cluster, options: CompareOptions = {}): Comparison {
  const comparer = new Comparer(manifest, cluster, options);
  const root = comparer.whole();
  const match = (at: readonly string[]): Match => {
    let node = root;
    // Parts that were added together are reported together.
    let part: Node | null = null;
    for (const [index, key] of at.entries()) {
      if (part === null && (node.state === 'extra' || node.state === 'absent')) part = node;
      const inner = node.inside.get(key);
      if (inner === undefined) return { ...shown(node, part ?? node), at: [...node.at, ...at.slice(index)] };
      node = inner;
    }
    return shown(node, part ?? node);
  };
  return { body: isObject(root.merged) ? root.merged : manifest, match, differs: comparer.differs };
}

function shown({ merged: _, inside: __, ...match }: Node, part: Node): Match {
  return { ...match, part };
}

class Comparer {
  differs = false;
  private readonly isQuantity: (at: readonly string[]) => boolean;
  private readonly builtIn: boolean;
  private readonly drift: DriftFinder;

  constructor(
    private readonly manifest: JsonObject,
    private readonly cluster: Cluster,
    options: CompareOptions,
  ) {
    this.isQuantity = quantityFields(cluster.body);
    this.builtIn = builtInKind(cluster.body) !== null;
    this.drift = new DriftFinder(cluster, options.hides);
  }

  whole(): Node {
    const { manifest, cluster } = this;
    const { stringData, ...rest } = manifest;
    const applied = lastApplied(cluster.body);
    const data = cluster.body.data ?? null;
    if (manifest.kind !== 'Secret' || !isObject(stringData) || !isObject(data)) {
      return this.compare(manifest, cluster.body, applied, []);
    }
    // The API server moves stringData into data.
    const own = Object.fromEntries(Object.entries(data).filter(([key]) => !Object.hasOwn(stringData, key) || hasMember(rest.data, key))); // prettier-ignore
    const body: JsonObject = { ...cluster.body, data: own };
    const root = this.compare(rest, body, applied, []);
    const moved = this.compare(stringData, data, undefined, ['data'], false);
    root.inside.set('stringData', moved);
    return { ...root, merged: { ...(root.merged as JsonObject), stringData: moved.merged } };
  }

  /** `both`: include what only the cluster has. */
  private compare(wanted: Json, found: Json, applied: Json | undefined, at: readonly string[], both = true): Node {
    if (isPassedOver(at)) return leaf('same', at, wanted);
    if (canonicalJson(wanted) !== canonicalJson(found) && holdsHidden(found)) return this.hidden(wanted, found, at);
    if (Array.isArray(wanted) && Array.isArray(found)) {
      return this.list(wanted, found, pairWanted(at.at(-1) ?? '', wanted, found), applied, at);
    }
    if (isObject(wanted) && isObject(found)) return this.object(wanted, found, applied, at, both);
    if (typeof wanted === 'string' && typeof found === 'string') {
      const lines = this.lines(wanted, found, at);
      if (lines !== null) return lines;
    }
    const same = sameScalar(wanted, found) || (this.isQuantity(at) && sameQuantity(wanted, found));
    return same ? leaf('same', at, wanted) : this.different({ ...leaf('differs', at, wanted), wanted, value: found });
  }

  private object(
    wanted: JsonObject,
    found: JsonObject,
    applied: Json | undefined,
    at: readonly string[],
    both: boolean,
  ): Node {
    const inside = new Map<string, Node>();
    const merged: JsonObject = {};
    for (const [key, value] of Object.entries(wanted)) {
      const node = Object.hasOwn(found, key)
        ? this.compare(value, found[key] ?? null, memberOf(applied, key), [...at, key])
        : this.absent(value, [...at, key]);
      inside.set(key, node);
      merged[key] = node.merged;
    }
    for (const [key, value] of both ? Object.entries(found) : []) {
      if (Object.hasOwn(wanted, key)) continue;
      const extra = { value, at: [...at, key], around: found, applied: memberOf(applied, key), item: false };
      const drift = this.drift.find(extra);
      if (drift === null) continue;
      const node = this.extra(drift);
      inside.set(key, node);
      merged[key] = node.merged;
    }
    return { state: 'same', at, inside, merged };
  }

  private list(
    wanted: readonly Json[],
    found: readonly Json[],
    pairs: readonly (number | null)[],
    applied: Json | undefined,
    at: readonly string[],
  ): Node {
    const before = Array.isArray(applied) ? applied : [];
    const sent = pairWanted(at.at(-1) ?? '', before, found);
    const appliedAt = (place: number): Json | undefined => before[sent.indexOf(place)];
    const rows = wanted.map((item, index) => {
      const place = pairs[index] ?? null;
      const there = place === null ? undefined : found[place];
      const node =
        place === null || there === undefined
          ? this.absent(item, [...at, String(index)])
          : this.compare(item, there, appliedAt(place), [...at, String(place)]);
      return { place, node };
    });
    const extras = found.flatMap((value, place) => {
      if (pairs.includes(place)) return [];
      const drift = this.drift.find({ value, at: [...at, String(place)], around: [...found], applied: appliedAt(place), item: true }); // prettier-ignore
      return drift === null ? [] : [{ place, node: this.extra(drift) }];
    });
    const node = this.rows(rows, extras, at);
    return inOrder(pairs) ? node : this.different({ ...node, state: 'differs', comment: 'in another order' });
  }

  /** The compared lines of two texts; null if they are not shown line by line. */
  private lines(wanted: string, found: string, at: readonly string[]): Node | null {
    const [lines, others] = [textLines(wanted), textLines(found)];
    if (lines === null || others === null || wanted === found) return null;
    const pairs = pairTexts(others, lines);
    const rows = lines.map((line, index) => {
      const place = pairs[index] ?? null;
      if (place === null) return { place, node: this.absent(line, [...at, String(index)]) };
      const value = others[place] ?? '';
      const node = leaf(line === value ? 'same' : 'differs', [...at, String(place)], line);
      return { place, node: line === value ? node : { ...node, wanted: line, value } };
    });
    const extras = others.flatMap((line, place) =>
      pairs.includes(place) ? [] : [{ place, node: leaf('extra', [...at, String(place)], line) }],
    );
    const node = this.rows(rows, extras, at);
    const end = wanted.endsWith('\n') ? '\n' : '';
    const text = (node.merged as string[]).join('\n') + end;
    this.differs = true;
    const merged = { ...node, merged: text };
    if (wanted.endsWith('\n') !== found.endsWith('\n')) {
      return {
        ...merged,
        state: 'differs',
        comment: end === '' ? 'ends with a line break' : 'ends without a line break',
      };
    }
    return inOrder(pairs) ? merged : { ...merged, state: 'differs', comment: 'in another order' };
  }

  /** The manifest's items, with each item that only the cluster has after the item that it follows there. */
  private rows(
    rows: { place: number | null; node: Node }[],
    extras: { place: number; node: Node }[],
    at: readonly string[],
  ): Node {
    const all = [...rows];
    for (const extra of extras) {
      const before = all.filter(({ place }) => place !== null && place < extra.place);
      const previous = before.sort((a, b) => (b.place ?? 0) - (a.place ?? 0))[0];
      all.splice(previous === undefined ? 0 : all.indexOf(previous) + 1, 0, extra);
    }
    const inside = new Map(all.map(({ node }, index) => [String(index), node]));
    return { state: 'same', at, inside, merged: all.map(({ node }) => node.merged) };
  }

  /** In a map with redacted values, each value is compared by itself. */
  private hidden(wanted: Json, found: Json, at: readonly string[]): Node {
    // Equal tags stand for equal values; these tags differ.
    if (typeof wanted === 'string' && holdsRedacted(wanted)) {
      return this.different({ ...leaf('differs', at, wanted), wanted, value: found });
    }
    return leaf('hidden', at, MASK);
  }

  /** The API server drops null, empty values and, in its own types, false: their absence is not a difference. */
  private absent(wanted: Json, at: readonly string[]): Node {
    const isEmpty = Array.isArray(wanted) ? wanted.length === 0 : isObject(wanted) && Object.keys(wanted).length === 0;
    const isItem = /^\d+$/.test(at.at(-1) ?? '');
    const isOff = this.builtIn && (wanted === false || wanted === 0) && !isItem;
    if (isPassedOver(at) || (!isItem && (wanted === null || isEmpty)) || isOff) return leaf('same', at, wanted);
    return this.different(leaf('absent', at, wanted));
  }

  private extra(drift: Drift): Node {
    this.differs = true;
    const inside = new Map([...drift.inside].map(([key, inner]) => [key, this.extra(inner)]));
    return { state: 'extra', at: drift.at, merged: drift.value, inside };
  }

  private different(node: Node): Node {
    this.differs = true;
    return node;
  }
}

function leaf(state: Match['state'], at: readonly string[], merged: Json): Node {
  return { state, at, merged, inside: new Map() };
}

/** True for a text with a redacted part; maps and lists are judged by their members. */
function holdsHidden(found: Json): boolean {
  return typeof found === 'string' && holdsRedacted(found);
}

function inOrder(pairs: readonly (number | null)[]): boolean {
  const places = pairs.filter((place) => place !== null);
  return places.every((place, index) => index === 0 || place > (places[index - 1] ?? 0));
}

function hasMember(value: Json | undefined, key: string): boolean {
  return memberOf(value, key) !== undefined;
}
