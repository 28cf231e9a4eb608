import { type KubeblameError, messageOf } from '../../../../shared/errors.ts';
import { eventFacts, readEvent } from '../../../../shared/events/event.ts';
import { isObject, itemsOf } from '../../../../shared/json.ts';
import type { Json, JsonObject } from '../../../../shared/types.ts';
import type { ShownEvent } from '../../../ledger/port/events.ts';
import { inputError, parseLine, readLines, type Line } from '../../../platform/files/lines.ts';

/** Told of each line or Event that cannot be used, with its place. */
export type BadEvent = (error: KubeblameError) => void;

/**
 * The Events of a file, streamed: an Event a line, a list of Events (`kubectl get events -A -o json`), events of a watch (`kubectl get
 * events --watch --output-watch-events -o json`), or lines of `{"resource", "event"}` as a recording has them; gzip or not.
 */
export async function* readEvents(file: string, bad: BadEvent): AsyncGenerator<ShownEvent> {
  let latest = 0;
  for await (const { line, document } of documentsOf(file, bad)) {
    for (const { object, isGone } of shownIn(document)) {
      try {
        const event = readEvent(isObject(object) ? object : {});
        const { uid, lastAt } = eventFacts(event);
        latest = Math.max(latest, lastAt);
        // A watch does not tell when something went: not before what it told last.
        yield { uid, event, goneAt: isGone ? latest : null };
      } catch (error) {
        bad(asInputError(line, error));
      }
    }
  }
}

async function* documentsOf(file: string, bad: BadEvent): AsyncGenerator<{ line: Line; document: Json }> {
  // The lines of one document that takes several, as kubectl prints it.
  let open: Line[] = [];
  for await (const line of readLines(file)) {
    if (open.length > 0 || isOpening(line)) {
      open.push(line);
      if (!CLOSING.test(line.text)) continue;
    }
    const whole = open.length === 0 ? line : joined(open);
    open = [];
    try {
      yield { line, document: parseLine(whole) };
    } catch (error) {
      bad(asInputError(whole, error));
    }
  }
  if (open.length > 0) bad(asInputError(joined(open), new Error('a document without its end')));
}

/** kubectl prints the first brace of a document alone, and the last one: what is within is indented. */
function isOpening({ text }: Line): boolean {
  return text.trimEnd() === '{';
}

const CLOSING = /^\}\s*$/;

function joined(lines: readonly Line[]): Line {
  const [first] = lines;
  const text = lines.map((line) => line.text).join('\n');
  return { file: first?.file ?? '', number: first?.number ?? 0, text, isUtf8: lines.every(({ isUtf8 }) => isUtf8) };
}

function shownIn(document: Json): { object: Json | undefined; isGone: boolean }[] {
  if (!isObject(document)) return [{ object: document, isGone: false }];
  const watched = isObject(document.event) ? document.event : document;
  const { type, object, kind } = watched;
  if (typeof type === 'string' && WATCH_TYPES.has(type) && kind === undefined) {
    return type === 'BOOKMARK' || type === 'ERROR' ? [] : [{ object, isGone: type === 'DELETED' }];
  }
  if (typeof kind === 'string' && kind.endsWith('List')) {
    // What kubectl lists repeats what it is; what the API server lists does not.
    const apiVersion = document.apiVersion === 'v1' && kind === 'List' ? undefined : document.apiVersion;
    const named = (item: JsonObject): JsonObject => ({ ...(apiVersion === undefined ? {} : { apiVersion, kind: 'Event' }), ...item }); // prettier-ignore
    return itemsOf(document.items).map((item) => ({ object: named(item), isGone: false }));
  }
  return [{ object: document, isGone: false }];
}

const WATCH_TYPES = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']);

function asInputError(line: Line, error: unknown): KubeblameError {
  return inputError(line, messageOf(error), error);
}
