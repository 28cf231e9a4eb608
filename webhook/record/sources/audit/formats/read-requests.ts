import { KubeblameError, messageOf } from '../../../../../shared/errors.ts';
import type { Json } from '../../../../../shared/types.ts';
import {
  inputError,
  InputCutOff,
  parseLine,
  readLines,
  type Line,
  type Place,
} from '../../../../platform/files/lines.ts';
import { readEvent, type PassedOver } from './event.ts';
import { eventsIn } from './wrappings.ts';
import type { PlacedRequest } from '../in-order.ts';

/** Called with what cannot be used; the reading goes on. */
export type BadEvent = (error: KubeblameError) => void;

/** Told what was read and not taken. */
export interface ReadingEvents {
  bad: BadEvent;
  passedOver: (why: PassedOver) => void;
}

/** The requests for changes in a document of any form that is known (formats/wrappings.ts). */
export function* requestsIn(
  document: Json,
  place: Place,
  bytes: number,
  { bad, passedOver }: ReadingEvents,
): Generator<PlacedRequest> {
  const events = eventsIn(document);
  for (;;) {
    try {
      const next = events.next();
      if (next.done === true) return;
      const request = readEvent(next.value);
      if (typeof request === 'string') passedOver(request);
      else yield { request, place, bytes };
    } catch (error) {
      bad(inputError(place, messageOf(error), error, error instanceof KubeblameError ? error.hint : undefined));
    }
  }
}

/** Documents over several lines are read whole up to this size (bytes). */
const MAX_DOCUMENT = 256 * 1024 * 1024;

/** Reads the requests for changes in a file: a document a line, or one document over several lines. */
export async function* readRequests(file: string, told: ReadingEvents): AsyncGenerator<PlacedRequest> {
  let open: Line[] = [];
  let [bytes, number] = [0, 0];
  const close = function* (): Generator<PlacedRequest> {
    const [first] = open;
    if (first === undefined) return;
    const whole = { ...first, text: open.map(({ text }) => text).join('\n') };
    open = [];
    bytes = 0;
    yield* requestsOfLine(whole, told);
  };
  try {
    for await (const line of readLines(file)) {
      number++;
      // Something that was printed for people: a list, or an EventList.
      if (open.length > 0 || (number === 1 && /^[[{]\s*$/.test(line.text))) {
        open.push(line);
        bytes += line.text.length;
        if (bytes > MAX_DOCUMENT) yield* close();
        continue;
      }
      yield* requestsOfLine(line, told);
    }
    yield* close();
  } catch (error) {
    if (!(error instanceof InputCutOff)) throw error;
    told.bad(error);
  }
}

/** The requests for changes in a line. */
export function* requestsOfLine(line: Line, told: ReadingEvents): Generator<PlacedRequest> {
  const place = { file: line.file, number: line.number };
  let document: Json;
  try {
    document = parseLine(line);
  } catch (error) {
    // An export of CloudWatch has the time before the document.
    const start = /^\d{4}-\d{2}-\d{2}T\S+ (?=\{)/.exec(line.text);
    if (start === null) {
      told.bad(inputError(place, messageOf(error), error));
      return;
    }
    document = line.text;
  }
  yield* requestsIn(document, place, line.text.length, told);
}
