import { isAscii, isUtf8 } from 'node:buffer';
import { KubeblameError } from '../../../shared/errors.ts';
import { isObject, parseJson } from '../../../shared/json.ts';
import type { Normalised } from '../../../shared/normalise.ts';
import { readReview, type Review, type ReviewBodies } from '../../../shared/review.ts';
import type { Json, JsonObject } from '../../../shared/types.ts';
import { NOWHERE, skim, skimObject } from './skim.ts';

/** A body that nobody has read. */
const UNREAD: Normalised = { body: {}, resourceVersion: '', managedFields: [] };

/** The members of a request that name its object, but for its uid. */
const NAMES_OBJECT = ['resource', 'namespace', 'name'];

/**
 * Reads of a review what it says about its objects, and of those only that they are there: nine tenths of its bytes are theirs.
 * null where that does not tell whether it is a review, or what it is about: then the whole of it must be parsed. Throws
 * KubeblameError review-invalid. docs/decisions/0029.
 */
export function readHead(bytes: Buffer): Review | null {
  if (!isUtf8(bytes)) return null;
  const reading = new HeadReading(bytes);
  const document = reading.document();
  // Otherwise its name is in its object.
  return (requestOf(document).name ?? '') === '' ? null : readReview(document, reading.bodies);
}

/** The uid of a review that cannot be read further; '' where that is not to be had either. */
export function uidOf(bytes: Buffer): string {
  const { uid } = requestOf(new HeadReading(bytes).document());
  return typeof uid === 'string' ? uid : '';
}

/** Without members where there is none. */
function requestOf(document: Json): JsonObject {
  return isObject(document) && isObject(document.request) ? document.request : {};
}

/** One review. Its methods return where in the text they have come to; NOWHERE where something is out of the ordinary. */
export class HeadReading {
  readonly bodies: ReviewBodies = { object: null, oldObject: null };
  /** What its object is called, as the text has it. */
  object = '';
  private readonly encoding: 'latin1' | 'utf8';

  /** `bytes`: UTF-8. */
  constructor(protected readonly bytes: Buffer) {
    // The former costs less.
    this.encoding = isAscii(bytes) ? 'latin1' : 'utf8';
  }

  /** The review without its objects; null where it is out of the ordinary, or a part of it is not JSON: the whole tells where. */
  document(): Json | null {
    try {
      return this.parse();
    } catch (error) {
      if (error instanceof KubeblameError) return null;
      throw error;
    }
  }

  private parse(): Json | null {
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
        from = this.text(value, value + 4) === 'null' ? value + 4 : this.body(key, value);
        return from;
      });
    });
    if (end === NOWHERE) return null;
    // What follows the document, and a member that comes twice, is judged here too.
    const document = parseJson(rest + this.text(from, this.bytes.length));
    // Under a name that is spelled in another way.
    const request = requestOf(document);
    return (request.object ?? null) === null && (request.oldObject ?? null) === null ? document : null;
  }

  /** An object of the review. */
  protected body(key: 'object' | 'oldObject', at: number): number {
    this.bodies[key] = UNREAD;
    return skimObject(this.bytes, at, (_key, _keyEnd, value) => skim(this.bytes, value));
  }

  /** Whether the key that stands there, quotes included, is this one. */
  protected is(start: number, end: number, key: string): boolean {
    if (end - start !== key.length + 2) return false;
    for (let index = 0; index < key.length; index++) {
      if (this.bytes[start + 1 + index] !== key.charCodeAt(index)) return false;
    }
    return true;
  }

  protected text(start: number, end: number): string {
    if (end === NOWHERE) throw new KubeblameError('json-invalid', 'a value does not end');
    return this.bytes.toString(this.encoding, start, end);
  }
}
