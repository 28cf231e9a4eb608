import { carriesWholeObject, interpret } from '../../../../shared/interpret.ts';
import { stringifyJson } from '../../../../shared/json.ts';
import { withNotKept, type NotRecorded } from '../../../../shared/not-kept.ts';
import { hashBody } from '../../../../shared/patch.ts';
import type { Review } from '../../../../shared/review.ts';
import type { Json, Patch } from '../../../../shared/types.ts';
import { incarnationOf, requested } from '../objects/capture.ts';
import type { Draft } from '../objects/draft.ts';

/*
 * Requests that are recorded without the body that they ask for: who asked for what, and when. They are acts: the object's states
 * follow from what a list, a watch or a later review shows of it.
 */

/** Characters of a body that are kept of it, where there is room for them. */
export const START_LENGTH = 1024;

/** What a request sets in the status of an object is told as a change of status. */
const STATUS: Patch = [{ op: 'replace', path: '/status', value: null }];

/** Adds to a draft that a review, which has no confidential values, asked for something. `startLength`: characters of the body to keep. */
export async function captureBodiless(
  draft: Draft,
  review: Review,
  reason: NotRecorded,
  startLength: number,
): Promise<'recorded' | 'unchanged'> {
  const { meaning, ...interpretation } = interpret(review, draft.at);
  if (meaning.kind === 'state' && meaning.patch.length === 0) return 'unchanged';
  const object = await incarnationOf(draft, interpretation.object);
  const asked = { ...interpretation, object };
  await draft.add({
    ...requested(review, asked, {
      effect: 'none',
      late: false,
      base: null,
      body: null,
      patch: [],
      detail: { options: optionsOf(review, draft.at, reason, startLength) },
    }),
    ...(review.subresource === 'status' ? { own: STATUS } : {}),
  });
  return 'recorded';
}

function optionsOf(review: Review, at: number, reason: NotRecorded, startLength: number): Json {
  const { options } = interpret(review, at);
  const body = review.object?.body ?? null;
  if (body === null) return options;
  // What an act asked for, such as the command of an exec, is among the options, and mostly short.
  if (!carriesWholeObject(review) && stringifyJson(options).length <= START_LENGTH) return options;
  const others = interpret({ ...review, object: null }, at).options;
  const text = stringifyJson(body);
  const [bytes, hash] = [Buffer.byteLength(text), hashBody(body)?.toString('hex') ?? ''];
  return withNotKept(others, { reason, bytes, hash, start: text.slice(0, startLength) });
}
