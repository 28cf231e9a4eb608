import { itemPath, memberPath } from '../delta.ts';
import { isObject } from '../json.ts';
import { identify } from '../merge-key.ts';
import type { Json } from '../types.ts';

/**
 * A value in a body, and how it is reached. What is missing is a place too, without a value, so that a path can be followed
 * without asking at each step; the name of a place is made only where a fact is told.
 */
export class Place {
  constructor(
    readonly value: Json | undefined,
    private readonly parent: Place | null = null,
    private readonly step: string | number = '',
  ) {}

  /** The member of a key, or of a way: `spec.template`. Keys with dots are given to `member`. */
  get(way: string): Place {
    let place: Place | undefined;
    for (const key of stepsOf(way)) {
      const { value }: Place = place ?? this;
      // Most of what may be in a body is not: nothing is made for it.
      if (!isObject(value) || !Object.hasOwn(value, key)) return NOWHERE;
      place = new Place(value[key], place ?? this, key);
    }
    return place ?? this;
  }

  member(key: string): Place {
    const { value } = this;
    return isObject(value) && Object.hasOwn(value, key) ? new Place(value[key], this, key) : NOWHERE;
  }

  /** The items of a list that are objects; none where it is no list. */
  items(): Place[] {
    return this.value === undefined ? NONE : this.all().filter(({ value }) => isObject(value));
  }

  /** All items of a list. */
  all(): Place[] {
    return Array.isArray(this.value) ? this.value.map((item, index) => new Place(item, this, index)) : [];
  }

  /** The members of an object. */
  members(): [string, Place][] {
    return isObject(this.value) ? Object.keys(this.value).map((key) => [key, this.member(key)]) : [];
  }

  get exists(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** '' where it is no text. */
  get text(): string {
    return typeof this.value === 'string' ? this.value : '';
  }

  /** A number or a text, as text: ports have both. */
  get word(): string {
    return typeof this.value === 'number' ? String(this.value) : this.text;
  }

  get number(): number {
    return typeof this.value === 'number' ? this.value : 0;
  }

  get isTrue(): boolean {
    return this.value === true;
  }

  /** The texts of a list. */
  get texts(): string[] {
    return this.all().flatMap(({ value }) => (typeof value === 'string' ? [value] : []));
  }

  /** As parseField() reads it: items by their merge key, where they have one. */
  get field(): string {
    const { parent, step } = this;
    if (parent === null) return '';
    if (typeof step === 'string') return memberPath(parent.field, step);
    const key = parent.keys()[step];
    return key === undefined ? `${parent.field}[${step}]` : itemPath(parent.field, key);
  }

  private known: string[] | undefined;

  private keys(): string[] {
    const list = Array.isArray(this.value) ? this.value : [];
    return (this.known ??= [...(identify(String(this.step), list, list)?.before.keys() ?? [])]);
  }
}

/** What is missing, wherever it would be. */
const NOWHERE = new Place(undefined);
const NONE: Place[] = [];

const WAYS = new Map<string, readonly string[]>();

/** Extractors have a few hundred ways. */
function stepsOf(way: string): readonly string[] {
  let steps = WAYS.get(way);
  if (steps === undefined) WAYS.set(way, (steps = way.split('.')));
  return steps;
}
