import { isAscii, isUtf8 } from 'node:buffer';
import { KubeblameError } from '../../shared/errors.ts';
import { isObject, parseJson } from '../../shared/json.ts';
import { managedField, withoutHeartbeats, type ManagedField, type Normalised } from '../../shared/normalise.ts';
import { nameOf, readReview, type Review, type ReviewBodies } from '../../shared/review.ts';
import type { Json, JsonObject } from '../../shared/types.ts';
import { Generations } from './generations.ts';
import { CLOSE_LIST, CLOSE_OBJECT, COMMA, NOWHERE, skim, skimList, skimObject } from './skim.ts';

/*
 * Reads reviews without parsing most of them. A review repeats itself: its old object has the spec of the new one, and what
 * was the new status of an object is the old one of its next review. So a review is cut into the members of its objects,
 * and those whose text stood there before are not parsed again. That equal texts become the same value in memory, not
 * only an equal one, makes comparing and hashing cheap, too. docs/decisions/0023.
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

/** Objects and callers whose last review is remembered, by their text: about so many characters, and their values. */
const REMEMBERED_CHARACTERS = 4 * 1024 * 1024;
/** Shared by many reviews: users, types, options. */
const MAX_COMMON_CHARACTERS = 1024;

/** Reads AdmissionReviews as `readReview(parseJson(text))` does, with the same errors. */
export class ReviewReader {
  private readonly objects = new Generations<Parts>(REMEMBERED_CHARACTERS);
  private readonly common = new Generations<Json>(REMEMBERED_CHARACTERS / 16);

  /** `confidential`: types whose values must not stay in memory. */
  constructor(private readonly confidential: (type: { group: string; resource: string }) => boolean) {}

  /** Throws KubeblameError json-*, or review-invalid. */
  read(bytes: Buffer): Review {
    if (!isUtf8(bytes)) throw new KubeblameError('json-invalid', 'the body is not UTF-8 text');
    return this.readPlain(bytes) ?? readReview(parseJson(bytes.toString()));
  }

  /** null where the text is not as the API server writes it: then the whole of it is parsed, and judged. */
  private readPlain(bytes: Buffer): Review | null {
    const reading = new Reading(bytes, this.objects, this.common);
    try {
      if (!reading.review()) return null;
    } catch (error) {
      // A part that is not JSON as it should be. The whole tells where.
      if (error instanceof KubeblameError) return null;
      throw error;
    }
    const review = readReview(reading.document, reading.bodies);
    if (!this.confidential(review.resource)) {
      this.objects.set(objectKey(review.resource, review.namespace, nameOf(review)), reading.parts, bytes.length);
    }
    return review;
  }
}

function objectKey({ group, resource }: JsonObject, namespace: Json | undefined, name: Json | undefined): string {
  return [group, resource, namespace, name].join('/');
}

/** Keys that need no thought. */
const PLAIN_KEY = /^[A-Za-z][A-Za-z0-9]*$/;

/** One review. Its methods return where in the text they have come to; NOWHERE where something is out of the ordinary. */
class Reading {
  readonly document: JsonObject = {};
  readonly bodies: ReviewBodies = { object: null, oldObject: null };
  readonly parts: Parts = { members: [], managedFields: [] };
  /** Of the last review of the object. */
  private last: Parts | undefined;
  private readonly encoding: 'latin1' | 'utf8';

  constructor(
    private readonly bytes: Buffer,
    private readonly objects: Generations<Parts>,
    private readonly common: Generations<Json>,
  ) {
    // The former costs less.
    this.encoding = isAscii(bytes) ? 'latin1' : 'utf8';
  }

  review(): boolean {
    const end = skimObject(this.bytes, 0, (start, keyEnd, at) => {
      const key = this.key(start, keyEnd);
      return key === 'request' ? this.request(at) : this.fact(this.document, key, at);
    });
    // Go's encoder ends a document with a new line.
    return end !== NOWHERE && this.text(end, this.bytes.length).trim() === '';
  }

  private request(at: number): number {
    const request: JsonObject = {};
    if (Object.hasOwn(this.document, 'request')) return NOWHERE;
    this.document.request = request;
    return skimObject(this.bytes, at, (start, keyEnd, value) => {
      const key = this.key(start, keyEnd);
      return key === 'object' || key === 'oldObject' ? this.body(request, key, value) : this.fact(request, key, value);
    });
  }

  /** What a review says beside its objects. */
  private fact(parent: JsonObject, key: string, at: number): number {
    if (key === '' || Object.hasOwn(parent, key)) return NOWHERE;
    const end = skim(this.bytes, at);
    const text = this.text(at, end);
    let value = text.length > MAX_COMMON_CHARACTERS ? undefined : this.common.get(text);
    if (value === undefined) {
      value = parseJson(text);
      // Those of structure recur.
      if (typeof value === 'object' && text.length <= MAX_COMMON_CHARACTERS) this.common.set(text, value, text.length);
    }
    parent[key] = value;
    return end;
  }

  /** An object of the review, as normalise takes it apart. */
  private body(request: JsonObject, key: 'object' | 'oldObject', at: number): number {
    // Its place is taken, so that one that comes twice is found.
    if (Object.hasOwn(request, key)) return NOWHERE;
    request[key] = null;
    if (this.text(at, at + 4) === 'null') return at + 4;
    if (isObject(request.resource)) {
      this.last ??= this.objects.get(objectKey(request.resource, request.namespace, request.name));
    }
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
    if (key === '' || Object.hasOwn(body, key)) return NOWHERE;
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
      const key = this.key(start, keyEnd);
      if (key !== 'managedFields' && key !== 'resourceVersion') {
        to = skim(this.bytes, value);
        return to;
      }
      cut();
      const isVersion = key === 'resourceVersion';
      if ((isVersion ? versions++ : lists++) > 0) return NOWHERE;
      const valueEnd = isVersion ? this.version(found, value) : this.managers(found, value);
      from = to = valueEnd + 1;
      return valueEnd;
    });
    if (end === NOWHERE) return NOWHERE;
    cut();
    const text = `{${rest}}`;
    const part = this.known('members', 'metadata', ({ text: known }) => known === text) ?? {
      key: 'metadata',
      text,
      bytes: NOWHERE,
      value: parseJson(text),
    };
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

  private text(start: number, end: number): string {
    if (end === NOWHERE) throw new KubeblameError('json-invalid', 'a value does not end');
    return this.bytes.toString(this.encoding, start, end);
  }
}

function keep<T>(parts: Part<T>[], part: Part<T>): void {
  if (!parts.includes(part)) parts.push(part);
}
