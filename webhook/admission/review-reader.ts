import { isAscii, isUtf8 } from 'node:buffer';
import { KubeblameError } from '../../shared/errors.ts';
import { isObject, parseJson } from '../../shared/json.ts';
import { managedField, withoutHeartbeats, type ManagedField, type Normalised } from '../../shared/normalise.ts';
import { readReview, type Review, type ReviewBodies } from '../../shared/review.ts';
import type { Json, JsonObject } from '../../shared/types.ts';
import { Generations } from './generations.ts';
import { documentOf } from './reception.ts';
import { CLOSE_LIST, CLOSE_OBJECT, COMMA, NOWHERE, skim, skimList, skimObject } from './skim.ts';

/*
 * Reads reviews without parsing most of them. A review repeats itself: its old object has the spec of the new one, and what
 * was the new status of an object is the old one of its next review. So a review is cut into the members of its objects,
 * and those whose text stood there before are not parsed again. That equal texts become the same value in memory, not
 * only an equal one, makes comparing and hashing cheap, too. docs/decisions/0025.
 */

/** A value whose text was read. Nobody may change it. */
interface Part<T> {
  /** What it was called in what it is in. */
  key: string;
  text: string;
  bytes: number;
  value: T;
}

/** Of one review. */
interface Parts {
  members: Part<Json>[];
  managedFields: Part<ManagedField>[];
}

/** Objects whose last review is remembered, by its bytes: the values take some three times as much memory. */
const REMEMBERED_BYTES = 3 * 1024 * 1024;

/** Each is looked for among all: of a review with more than any real object has, everything is parsed. */
const MAX_PARTS = 64;

/** Reads AdmissionReviews as `readReview(parseJson(text))` does, with the same errors. */
export class ReviewReader {
  private readonly objects = new Generations<Parts>(REMEMBERED_BYTES);

  /** `confidential`: types whose values must not stay in memory. */
  constructor(private readonly confidential: (type: { group: string; resource: string }) => boolean) {}

  /** Throws KubeblameError json-*, or review-invalid. */
  read(bytes: Buffer): Review {
    return (isUtf8(bytes) ? this.readPlain(bytes) : null) ?? readReview(documentOf(bytes));
  }

  /** null where the text is not as the API server writes it: then the whole of it is parsed, and judged. */
  private readPlain(bytes: Buffer): Review | null {
    const reading = new Reading(bytes, this.objects);
    let document: Json | null;
    try {
      document = reading.review();
    } catch (error) {
      // A part that is not JSON as it should be. The whole tells where.
      if (error instanceof KubeblameError) return null;
      throw error;
    }
    if (document === null) return null;
    const review = readReview(document, reading.bodies);
    if (!this.confidential(review.resource)) this.objects.set(reading.object, reading.parts, bytes.length);
    return review;
  }
}

/** The members of a request that do. */
const NAMES_OBJECT = ['resource', 'namespace', 'name'];

/** Keys that need no thought. */
const PLAIN_KEY = /^[A-Za-z][A-Za-z0-9]*$/;

/** One review. Its methods return where in the text they have come to; NOWHERE where something is out of the ordinary. */
class Reading {
  readonly bodies: ReviewBodies = { object: null, oldObject: null };
  readonly parts: Parts = { members: [], managedFields: [] };
  /** What its object is called, as the text has it. */
  object = '';
  /** Of the last review of the object. */
  private last: Parts | undefined;
  private readonly encoding: 'latin1' | 'utf8';

  constructor(
    private readonly bytes: Buffer,
    private readonly objects: Generations<Parts>,
  ) {
    // The former costs less.
    this.encoding = isAscii(bytes) ? 'latin1' : 'utf8';
  }

  /** The review without its objects; null where it is out of the ordinary. */
  review(): Json | null {
    let rest = '';
    let from = 0;
    let requests = 0;
    const end = skimObject(this.bytes, 0, (start, keyEnd, at) => {
      if (!this.is(start, keyEnd, 'request')) return skim(this.bytes, at);
      if (requests++ > 0) return NOWHERE;
      return skimObject(this.bytes, at, (memberStart, memberKeyEnd, value) => {
        const named = (key: string): boolean => this.is(memberStart, memberKeyEnd, key);
        const key = named('object') ? 'object' : named('oldObject') ? 'oldObject' : null;
        if (key === null) {
          const valueEnd = skim(this.bytes, value);
          if (NAMES_OBJECT.some(named)) this.object += this.text(value, valueEnd);
          return valueEnd;
        }
        rest += `${this.text(from, value)}null`;
        from = this.body(key, value);
        return from;
      });
    });
    if (end === NOWHERE) return null;
    // What follows the document, and a member that comes twice, is judged here too.
    const document = parseJson(rest + this.text(from, this.bytes.length));
    // Under a name that is spelled in another way.
    const request = isObject(document) && isObject(document.request) ? document.request : {};
    return isObject(request.object) || isObject(request.oldObject) ? null : document;
  }

  /** An object of the review, as normalise takes it apart. */
  private body(key: 'object' | 'oldObject', at: number): number {
    if (this.text(at, at + 4) === 'null') return at + 4;
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

  /** Whether the key that stands there, quotes included, is this one. */
  private is(start: number, end: number, key: string): boolean {
    if (end - start !== key.length + 2) return false;
    for (let index = 0; index < key.length; index++) {
      if (this.bytes[start + 1 + index] !== key.charCodeAt(index)) return false;
    }
    return true;
  }

  /** '' for one that needs a closer look. */
  private key(start: number, end: number): string {
    const key = this.bytes.toString('latin1', start + 1, end - 1);
    return PLAIN_KEY.test(key) ? key : '';
  }

  private text(start: number, end: number): string {
    if (end === NOWHERE) throw new KubeblameError('json-invalid', 'a value does not end');
    return this.bytes.toString(this.encoding, start, end);
  }
}

function keep<T>(parts: Part<T>[], part: Part<T>): void {
  if (!parts.includes(part)) parts.push(part);
}
