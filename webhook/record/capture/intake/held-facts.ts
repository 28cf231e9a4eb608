import { namespaceOf } from '../../../../shared/interpret.ts';
import { metadataText } from '../../../../shared/normalise.ts';
import { compareResourceVersions } from '../../../../shared/resource-version.ts';
import { nameOf, type Review } from '../../../../shared/review.ts';
import type { ObjectRef } from '../../../../shared/types.ts';
import { nameKey } from '../objects/object-head.ts';

/** Something to record that waits for its turn among the reviews. */
export interface Fact {
  /** What a list or watch showed: which object, at which version. null for anything else. */
  shown: { object: ObjectRef; resourceVersion: string } | null;
  /** Its turn has come, behind review `after`. `notAfter`: where it goes before a review, when that came (ms). */
  enter(after: number, notAfter?: number): void;
  /** It cannot be recorded at present. */
  refuse(error: unknown): void;
}

interface Held {
  fact: Fact;
  /** The last review that had been answered when the fact came. */
  after: number;
  entered: boolean;
}

/**
 * Facts that wait until the reviews that were answered before them have been handed over. They go in the order in which they came;
 * but one that is older than the version which a review was made from goes before that review, also where it came after it:
 * otherwise that review would show two changes of somebody else as one.
 */
export class HeldFacts {
  private waiting: Held[] = [];
  private readonly byName = new Map<string, Held[]>();

  get size(): number {
    return this.waiting.length;
  }

  hold(fact: Fact, after: number): void {
    const held = { fact, after, entered: false };
    this.waiting.push(held);
    if (fact.shown === null) return;
    const name = nameKey(fact.shown.object);
    const same = this.byName.get(name);
    if (same === undefined) this.byName.set(name, [held]);
    else same.push(held);
  }

  /** Lets in what came before any review after `handed`. */
  enterUpTo(handed: number): void {
    const first = this.waiting.findIndex(({ after }) => after > handed);
    const entering = first === -1 ? this.waiting : this.waiting.slice(0, first);
    this.waiting = first === -1 ? [] : this.waiting.slice(first);
    for (const held of entering) {
      this.forget(held);
      if (!held.entered) held.fact.enter(held.after);
    }
  }

  /** Lets in what happened to the object of a review before it was made. `handed`: the review before it. */
  enterBefore(review: Review, handed: number, at: number): void {
    if (this.byName.size === 0) return;
    const { group, resource } = review.resource;
    const name = nameKey({ group, resource, namespace: namespaceOf(review), name: nameOf(review) });
    for (const held of this.byName.get(name) ?? []) {
      if (held.entered) continue;
      if (!isBefore(held.fact, review)) return;
      held.entered = true;
      held.fact.enter(Math.min(held.after, handed), at);
    }
  }

  refuseAll(error: unknown): void {
    const { waiting } = this;
    this.waiting = [];
    this.byName.clear();
    for (const { fact, entered } of waiting) if (!entered) fact.refuse(error);
  }

  /** The first of its name, as they leave in the order in which they came. */
  private forget({ fact: { shown } }: Held): void {
    if (shown === null) return;
    const name = nameKey(shown.object);
    const same = this.byName.get(name);
    same?.shift();
    if (same?.length === 0) this.byName.delete(name);
  }
}

/** True where the fact is older than what the review was made from. */
function isBefore({ shown }: Fact, { operation, subresource, object, oldObject }: Review): boolean {
  if (shown === null) return false;
  const base = oldObject?.resourceVersion ?? '';
  if (base !== '') return compareResourceVersions(shown.resourceVersion, base) <= 0;
  // What had the name before it is gone; what is shown of itself is younger than its creation.
  const uid = metadataText(object?.body ?? null, 'uid');
  return operation === 'CREATE' && subresource === '' && uid !== '' && shown.object.uid !== uid;
}
