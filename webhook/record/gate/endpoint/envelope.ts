import { exactNumber, isObject } from '../../../../shared/json.ts';
import type { Json } from '../../../../shared/types.ts';
import { documentOf } from '../../review/document.ts';
import { HeadReading } from '../../review/review-head.ts';

/** What the answer to a review must repeat. */
export interface Envelope {
  /** `admission.k8s.io/v1`, or another version of it. */
  apiVersion: string;
  uid: string;
}

/** The beginning of every review of a real API server: Go writes the fields of a struct in their order. */
const START =
  /^\s*\{\s*"kind"\s*:\s*"AdmissionReview"\s*,\s*"apiVersion"\s*:\s*"(admission\.k8s\.io\/\w+)"\s*,\s*"request"\s*:\s*\{\s*"uid"\s*:\s*"([^"\\]+)"/;

/** Who asks, which comes before the objects. In the text of a string its quotes would have a backslash each. */
const PERSON = /"userInfo"\s*:\s*\{\s*"username"\s*:\s*"(?!system:)[^"]/;

/** More than the beginning can have. */
const START_BYTES = 4096;

/** Whether a review is by somebody who may read a warning, by the beginning of its text. */
export function beginsByPerson(bytes: Buffer): boolean {
  return PERSON.test(bytes.toString('utf8', 0, START_BYTES));
}

/**
 * Finds out how a review that cannot be recorded is answered. `bytes`: its text, or the beginning of it. null where it is not
 * a review that an API server would send.
 */
export function envelopeOf(bytes: Buffer): Envelope | null {
  const document = read(bytes);
  if (document === null) {
    const [, apiVersion, uid] = START.exec(bytes.toString('utf8', 0, START_BYTES)) ?? [];
    return apiVersion === undefined || uid === undefined ? null : { apiVersion, uid };
  }
  if (!isObject(document) || document.kind !== 'AdmissionReview' || !isObject(document.request)) return null;
  const { apiVersion, request } = document;
  if (typeof apiVersion !== 'string' || !apiVersion.startsWith('admission.k8s.io/')) return null;
  const { uid } = request;
  // A number that JavaScript cannot hold is a string here: json.ts.
  return typeof uid === 'string' && uid !== '' && exactNumber(uid) === null ? { apiVersion, uid } : null;
}

function read(bytes: Buffer): Json | null {
  try {
    return new HeadReading(bytes).document() ?? documentOf(bytes);
  } catch {
    return null;
  }
}
