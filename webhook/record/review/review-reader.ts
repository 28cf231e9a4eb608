import { isUtf8 } from 'node:buffer';
import { isObject } from '../../../shared/json.ts';
import { KubeblameError } from '../../../shared/errors.ts';
import { normalise } from '../../../shared/normalise.ts';
import type { Seen } from '../../../shared/interpret.ts';
import { readReview, type Review } from '../../../shared/review.ts';
import type { JsonObject, ObjectRef, ResourceType } from '../../../shared/types.ts';
import type { EventReader, WatchEvent } from '../../platform/kubernetes/watch/reflector.ts';
import { TwoGenerationCache } from './two-generation-cache.ts';
import { documentOf } from './document.ts';
import { BodyReading, type Parts } from './body-reading.ts';
import { CLOSE_OBJECT, NOWHERE, skim, skimObject } from './skim.ts';

/*
 * Reads reviews without parsing most of them. A review repeats itself: its old object has the spec of the new one, and what
 * was the new status of an object is the old one of its next review. So a review is cut into the members of its objects,
 * and those whose text stood there before are not parsed again. That equal texts become the same value in memory, not
 * only an equal one, makes comparing and hashing cheap, too. docs/decisions/0025.
 */

/** Objects whose last review is remembered, by its bytes: the values take some three times as much memory. */
const REMEMBERED_BYTES = 3 * 1024 * 1024;

/** Reads AdmissionReviews as `readReview(parseJson(text))` does, with the same errors. */
export class ReviewReader implements EventReader {
  private readonly objects = new TwoGenerationCache<Parts>(REMEMBERED_BYTES);

  /** `confidential`: true for a type, and the text of a review, whose values must not stay in memory. */
  constructor(private readonly confidential: (type: { group: string; resource: string }, text: Buffer) => boolean) {}

  /** Throws KubeblameError json-*, or review-invalid. */
  read(bytes: Buffer): Review {
    return (isUtf8(bytes) ? this.readPlain(bytes) : null) ?? readReview(documentOf(bytes));
  }

  /**
   * An event of a watch of a type; null where it must be parsed as a whole: where it shows no object, or is not as the API
   * server writes it. What an event shows, the review of the same change has said: read it behind that one.
   */
  readEvent(bytes: Buffer, resource: WatchedType): WatchEvent | null {
    const head = isUtf8(bytes) ? new EventReading(bytes, this.objects, resource).head() : null;
    if (head === null) return null;
    let seen: Seen | null = null;
    const read = (): Seen => (seen ??= this.readShown(bytes, resource));
    return { type: head.type, object: head.object, shown: { resourceVersion: head.resourceVersion, read } };
  }

  /** What an event shows. Throws json-invalid. */
  private readShown(bytes: Buffer, resource: WatchedType): Seen {
    const reading = new EventReading(bytes, this.objects, resource);
    const seen = reading.shown();
    if (seen === null) {
      const { object } = documentOf(bytes) as JsonObject;
      return normalise(isObject(object) ? object : {});
    }
    if (!this.confidential(resource, bytes)) this.objects.set(reading.object, reading.parts, bytes.length);
    return seen;
  }

  /** null where the text is not as the API server writes it: then the whole of it is parsed, and judged. */
  private readPlain(bytes: Buffer): Review | null {
    const reading = new BodyReading(bytes, this.objects);
    const document = reading.document();
    if (document === null) return null;
    const review = readReview(document, reading.bodies);
    if (!this.confidential(review.resource, bytes)) this.objects.set(reading.object, reading.parts, bytes.length);
    return review;
  }
}

/** The type of an object in a watch, as the request for it has it. */
type WatchedType = ResourceType & { version: string };

/** Reads an event of a watch. */
class EventReading extends BodyReading {
  constructor(
    bytes: Buffer,
    objects: TwoGenerationCache<Parts>,
    private readonly resource: WatchedType,
  ) {
    super(bytes, objects);
  }

  /** What it is about; null where it is out of the ordinary. */
  head(): EventHead | null {
    const at = this.start();
    if (at === null || this.bytes[this.bytes.length - 1] !== CLOSE_OBJECT) return null;
    const texts = new Map<string, string>();
    this.names(at.object, (key, start, end) => texts.set(key, this.plainText(start, end)));
    const text = (key: string): string => texts.get(key) ?? '';
    if (!texts.has('name') || !texts.has('resourceVersion') || [...texts.values()].includes('')) return null;
    const { group, resource, kind } = this.resource;
    const named = { namespace: text('namespace'), name: text('name'), uid: text('uid') };
    return { type: at.type, object: { group, resource, kind, ...named }, resourceVersion: text('resourceVersion') };
  }

  /** The object that it shows; null where it is out of the ordinary, or no JSON: the whole of it tells what is wrong. */
  shown(): Seen | null {
    const at = this.start();
    if (at === null) return null;
    try {
      // What a review would call it.
      const { group, version, resource } = this.resource;
      const named = { name: '', namespace: '' };
      this.names(at.object, (key, start, end) => {
        if (key === 'name' || key === 'namespace') named[key] = this.text(start, end);
      });
      this.object = JSON.stringify({ group, version, resource }) + named.name + named.namespace;
      const end = this.body('object', at.object);
      return end === this.bytes.length - 1 && this.bytes[end] === CLOSE_OBJECT ? this.bodies.object : null;
    } catch (error) {
      if (error instanceof KubeblameError) return null;
      throw error;
    }
  }

  /** The type of the event, and where its object begins: `{"type":"ADDED","object":{`; null where it begins otherwise. */
  private start(): { type: string; object: number } | null {
    let type = '';
    let object = NOWHERE;
    skimObject(this.bytes, 0, (start, keyEnd, at) => {
      if (type === '' && this.is(start, keyEnd, 'type')) {
        const end = skim(this.bytes, at);
        type = this.plainText(at, end);
        return end;
      }
      if (this.is(start, keyEnd, 'object')) object = at;
      return NOWHERE;
    });
    return object !== NOWHERE && SHOWS_OBJECT.has(type) ? { type, object } : null;
  }

  /** Visits the members of metadata that name the object which begins at a place, and its version, before its managedFields. */
  private names(at: number, visit: (key: string, start: number, end: number) => void): void {
    skimObject(this.bytes, at, (start, keyEnd, value) => {
      if (!this.is(start, keyEnd, 'metadata')) return skim(this.bytes, value);
      let missing = NAMES.length;
      skimObject(this.bytes, value, (memberStart, memberEnd, member) => {
        const key = NAMES.find((name) => this.is(memberStart, memberEnd, name));
        const end = skim(this.bytes, member);
        if (key === undefined) return end;
        visit(key, member, end);
        return --missing === 0 ? NOWHERE : end;
      });
      // Enough.
      return NOWHERE;
    });
  }

  /** The text of a string without escapes; '' for anything else. */
  private plainText(start: number, end: number): string {
    const text = end === NOWHERE ? '' : this.text(start, end);
    return PLAIN_STRING.test(text) ? text.slice(1, -1) : '';
  }
}

/** What an event is about. */
interface EventHead {
  type: string;
  object: ObjectRef;
  resourceVersion: string;
}

/** Of metadata, in the order in which the API server writes them. */
const NAMES = ['name', 'namespace', 'uid', 'resourceVersion'] as const;
const PLAIN_STRING = /^"[^"\\]*"$/;
const SHOWS_OBJECT: ReadonlySet<string> = new Set(['ADDED', 'MODIFIED', 'DELETED']);
