import { isObject, parseJson } from '../../../shared/json.ts';
import { managedField, withoutHeartbeats, type ManagedField, type Normalised } from '../../../shared/normalise.ts';
import type { Json, JsonObject } from '../../../shared/types.ts';
import { HeadReading } from './review-head.ts';
import { CLOSE_LIST, CLOSE_OBJECT, COMMA, NOWHERE, skim, skimList, skimObject } from './skim.ts';
import type { TwoGenerationCache } from './two-generation-cache.ts';

/** A value whose text was read. Nobody may change it. */
interface Part<T> {
  /** The name of the member whose value it is; '' for an item of a list. */
  key: string;
  text: string;
  bytes: number;
  value: T;
}

/** The parts of one review. */
export interface Parts {
  members: Part<Json>[];
  managedFields: Part<ManagedField>[];
}

/** Each is looked for among all: of a review with more than any real object has, everything is parsed. */
const MAX_PARTS = 64;

/** Keys without an escape or anything else unusual: their bytes are their name. */
const PLAIN_KEY = /^[A-Za-z][A-Za-z0-9]*$/;

/** Reads one review with its objects. `objects`: the parts of the last review of each object. */
export class BodyReading extends HeadReading {
  readonly parts: Parts = { members: [], managedFields: [] };
  /** Of the last review of the object. */
  private last: Parts | undefined;

  constructor(
    bytes: Buffer,
    private readonly objects: TwoGenerationCache<Parts>,
  ) {
    super(bytes);
  }

  /** An object of the review, as normalise takes it apart. */
  protected override body(key: 'object' | 'oldObject', at: number): number {
    this.last ??= this.objects.get(this.object);
    const body: JsonObject = {};
    const found: Normalised = { body, resourceVersion: '', managedFields: [] };
    const end = skimObject(this.bytes, at, (start, keyEnd, value) => {
      const name = this.key(start, keyEnd);
      return name === 'metadata' ? this.metadata(found, value) : this.member(body, name, value);
    });
    if (!Object.hasOwn(body, 'metadata')) body.metadata = {};
    this.bodies[key] = { ...found, body: withoutHeartbeats(body) };
    return end;
  }

  private member(body: JsonObject, key: string, at: number): number {
    if (key === '' || Object.hasOwn(body, key) || this.parts.members.length > MAX_PARTS) return NOWHERE;
    let part = this.standing('members', key, at);
    if (part === undefined) {
      const end = skim(this.bytes, at);
      const text = this.text(at, end);
      part = { key, text, bytes: end - at, value: parseJson(text) };
    }
    // Of others the end is not in their text.
    if (typeof part.value === 'object' && part.value !== null) keep(this.parts.members, part);
    body[key] = part.value;
    return at + part.bytes;
  }

  private metadata(found: Normalised, at: number): number {
    if (Object.hasOwn(found.body, 'metadata')) return NOWHERE;
    let rest = '';
    // A stretch of members that belong together.
    let [from, to] = [at + 1, at + 1];
    let [versions, lists] = [0, 0];
    const cut = (): void => {
      if (to > from) rest += (rest === '' ? '' : ',') + this.text(from, to);
    };
    const end = skimObject(this.bytes, at, (start, keyEnd, value) => {
      const isVersion = this.is(start, keyEnd, 'resourceVersion');
      if (!isVersion && !this.is(start, keyEnd, 'managedFields')) {
        to = skim(this.bytes, value);
        return to;
      }
      cut();
      if ((isVersion ? versions++ : lists++) > 0) return NOWHERE;
      const valueEnd = isVersion ? this.version(found, value) : this.managers(found, value);
      from = to = valueEnd + 1;
      return valueEnd;
    });
    if (end === NOWHERE) return NOWHERE;
    cut();
    const text = `{${rest}}`;
    let part = this.known('members', 'metadata', (known) => known.text === text);
    if (part === undefined) {
      const value = parseJson(text) as JsonObject;
      // Under a name that is spelled in another way.
      if (value.managedFields !== undefined || value.resourceVersion !== undefined) return NOWHERE;
      part = { key: 'metadata', text, bytes: NOWHERE, value };
    }
    keep(this.parts.members, part);
    found.body.metadata = part.value;
    return end;
  }

  private version(found: Normalised, at: number): number {
    const end = skim(this.bytes, at);
    const version = parseJson(this.text(at, end));
    found.resourceVersion = typeof version === 'string' ? version : '';
    return end;
  }

  private managers(found: Normalised, at: number): number {
    return skimList(this.bytes, at, (item) => {
      if (this.parts.managedFields.length > MAX_PARTS) return NOWHERE;
      let part = this.standing('managedFields', '', item);
      if (part === undefined) {
        const end = skim(this.bytes, item);
        const text = this.text(item, end);
        const entry = parseJson(text);
        if (!isObject(entry)) return NOWHERE;
        part = { key: '', text, bytes: end - item, value: managedField(entry, text) };
      }
      keep(this.parts.managedFields, part);
      found.managedFields.push(part.value);
      return item + part.bytes;
    });
  }

  /** The known part that stands at a place. An object's or list's text is not the beginning of another one's. */
  private standing<K extends keyof Parts>(kind: K, key: string, at: number): Parts[K][number] | undefined {
    return this.known(kind, key, ({ text, bytes }) => {
      const end = at + bytes;
      // Most are told apart by what follows.
      const next = this.bytes[end];
      return (next === COMMA || next === CLOSE_OBJECT || next === CLOSE_LIST) && this.text(at, end) === text;
    });
  }

  private known<K extends keyof Parts>(
    kind: K,
    key: string,
    fits: (part: Part<unknown>) => boolean,
  ): Parts[K][number] | undefined {
    const isIt = (part: Part<unknown>): boolean => part.key === key && fits(part);
    return this.parts[kind].find(isIt) ?? this.last?.[kind].find(isIt);
  }

  /** '' for one that needs a closer look. */
  private key(start: number, end: number): string {
    const key = this.bytes.toString('latin1', start + 1, end - 1);
    return PLAIN_KEY.test(key) ? key : '';
  }
}

function keep<T>(parts: Part<T>[], part: Part<T>): void {
  if (!parts.includes(part)) parts.push(part);
}
