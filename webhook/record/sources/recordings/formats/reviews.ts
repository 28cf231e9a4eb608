import { KubeblameError, messageOf } from '../../../../../shared/errors.ts';
import { isObject } from '../../../../../shared/json.ts';
import { readReview, type Review } from '../../../../../shared/review.ts';
import type { JsonObject } from '../../../../../shared/types.ts';
import { inputError, parseLine, readLines, type Line, type Place } from '../../../../platform/files/lines.ts';
import { readReceivedAt, type Moment } from './received-at.ts';

/** A review with the time at which it was received, and its size. */
export interface RecordedReview extends Moment {
  place: Place;
  bytes: number;
  review: Review;
}

/** Called with a line that cannot be used. Where it throws, the reading stops. */
export type BadLine = (error: KubeblameError) => void;

/** Reads `{"receivedAt": RFC 3339, "review": AdmissionReview}` lines, in their order. */
export async function* readReviews(file: string, bad: BadLine): AsyncGenerator<RecordedReview> {
  for await (const line of readLines(file)) {
    const item = attempt(line, bad, () => {
      const { receivedAt, review } = recordOf(line);
      const moment = readReceivedAt(receivedAt);
      if (review === undefined) throw new Error('review is missing');
      const place = { file: line.file, number: line.number };
      return { place, ...moment, bytes: line.text.length, review: readReview(review) };
    });
    if (item !== null) yield item;
  }
}

/** What the work gives; null where it fails, which is told of the line. */
export function attempt<T>(line: Line, bad: BadLine, work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    const isCut = error instanceof KubeblameError && error.code === 'json-invalid' && endsWithin(line.text);
    const what = `${messageOf(error)}${isCut ? ' (the line ends within its document)' : ''}`;
    // What is said of times is for those that people type.
    const hint = error instanceof KubeblameError && error.code !== 'time-invalid' ? error.hint : undefined;
    bad(inputError(line, what, error, hint));
    return null;
  }
}

/** Whether a text begins as a JSON object, and does not end as one. */
function endsWithin(text: string): boolean {
  return text.trimStart().startsWith('{') && !text.trimEnd().endsWith('}');
}

function recordOf(line: Line): JsonObject {
  const document = parseLine(line);
  if (!isObject(document)) throw new Error('not an object with receivedAt and review');
  if (document.receivedAt === undefined && document.review === undefined) throw foreign(document);
  return document;
}

/** A document of another kind, which people take for a recorded review. */
class ForeignDocument extends KubeblameError {
  constructor(what: string, hint?: string) {
    super('input-invalid', `${what}, expected an object with receivedAt and review`, hint);
  }
}

/** What a document is, and what to do with it. */
function foreign(document: JsonObject): ForeignDocument {
  const { apiVersion, kind, items } = document;
  const asObjects = 'objects are given with --baseline FILE';
  if (isObject(document.event) && document.resource !== undefined)
    return new ForeignDocument('a watch event', 'watch events are given with --watch FILE');
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return new ForeignDocument('an unknown document');
  if (kind === 'AdmissionReview' && document.requestReceivedTimestamp !== undefined) {
    return new ForeignDocument(
      'a line of kube-audit-rest',
      "convert the file: jq -c '{receivedAt: .requestReceivedTimestamp, review: del(.requestReceivedTimestamp)}'",
    );
  }
  if (kind === 'AdmissionReview') {
    const hint = 'say when each review was received: {"receivedAt": RFC 3339, "review": AdmissionReview}';
    return new ForeignDocument('an AdmissionReview without the time at which it was received', hint);
  }
  if (apiVersion.startsWith('audit.k8s.io/'))
    return new ForeignDocument("an event of the API server's audit log", 'only AdmissionReviews can be imported');
  if (kind.endsWith('List') && Array.isArray(items))
    return new ForeignDocument(`a ${kind} of ${apiVersion}`, asObjects);
  return new ForeignDocument(`a ${kind} of ${apiVersion}`, asObjects);
}
