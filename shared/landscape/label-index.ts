import { matchesSelector, type Requirement } from '../selector.ts';
import type { Namespaces } from './types.ts';

interface Labelled {
  place: number;
  labels: Readonly<Record<string, string>>;
}

/** Finds places of nodes by their labels, without looking at each. */
export class LabelIndex {
  /** By namespace; in it all, and those of each label. */
  private readonly namespaces = new Map<string, { all: Labelled[]; by: Map<string, Labelled[]> }>();

  add(namespace: string, place: number, labels: Readonly<Record<string, string>> = {}): void {
    let inside = this.namespaces.get(namespace);
    if (inside === undefined) this.namespaces.set(namespace, (inside = { all: [], by: new Map() }));
    const entry = { place, labels };
    inside.all.push(entry);
    for (const label of textsOf(labels)) {
      const known = inside.by.get(label);
      if (known === undefined) inside.by.set(label, [entry]);
      else known.push(entry);
    }
  }

  find(namespaces: Namespaces, selector: readonly Requirement[]): number[] {
    const exact = selector.find(({ operator, values }) => operator === 'in' && values.length === 1);
    const found: number[] = [];
    for (const namespace of namespaces ?? this.namespaces.keys()) {
      const inside = this.namespaces.get(namespace);
      const candidates =
        exact === undefined ? inside?.all : inside?.by.get(labelText(exact.key, exact.values[0] ?? ''));
      for (const { place, labels } of candidates ?? []) if (matchesSelector(selector, labels)) found.push(place);
    }
    return found;
  }
}

/** Pods of one template share their labels, at all moments. */
const TEXTS = new WeakMap<Readonly<Record<string, string>>, string[]>();

function textsOf(labels: Readonly<Record<string, string>>): string[] {
  let texts = TEXTS.get(labels);
  if (texts === undefined)
    TEXTS.set(labels, (texts = Object.keys(labels).map((key) => labelText(key, labels[key] ?? ''))));
  return texts;
}

function labelText(key: string, value: string): string {
  return `${key}=${value}`;
}
