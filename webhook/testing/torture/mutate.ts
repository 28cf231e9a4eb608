import type { Json, JsonObject } from '../../../shared/types.ts';

/** Values that have broken somebody's JSON code before. As text: JavaScript cannot hold all of them. */
const NASTY = [
  'null', 'true', '0', '-0', '1e400', '1.0', '9007199254740993', '-1', '""', '"\\u0000"', '"\\ud800"', '"\\u2028"',
  '"__proto__"', '"a/b~c"', '"2026-11-22T05:00:00Z"', '"redacted:000000000000"', '[]', '{}', '[[]]', '[null]',
  '{"__proto__":{"x":1}}', '{"constructor":1}', '{"":""}', '{"a":1,"a":2}', '{"metadata":{}}', '{"name":7}',
]; // prettier-ignore

const KEYS = ['name', 'namespace', 'uid', 'kind', 'apiVersion', 'metadata', 'spec', 'status', 'data', 'object', 'oldObject',
  'operation', 'subResource', 'managedFields', 'finalizers', 'deletionTimestamp', 'resourceVersion', 'generation',
  'annotations', 'labels', 'ownerReferences', 'items', '__proto__', 'constructor', '', 'a/b', '0']; // prettier-ignore

const pick = <T>(items: readonly T[], random: () => number): T => items[Math.floor(random() * items.length)] as T;

/** A mutated text: of its bytes, or of the document that it is. `others` lends it parts. */
export function mutate(text: string, others: readonly string[], random: () => number): string {
  const times = 1 + Math.floor(random() * 4);
  let result = text;
  for (let n = 0; n < times; n++)
    result = random() < 0.3 ? mutateText(result, random) : mutateDocument(result, others, random);
  return result;
}

function mutateText(text: string, random: () => number): string {
  const at = Math.floor(random() * text.length);
  const length = Math.floor(random() ** 3 * 200);
  switch (Math.floor(random() * 5)) {
    case 0:
      return text.slice(0, at) + text.slice(at + length);
    case 1:
      return text.slice(0, at) + text.slice(at, at + length) + text.slice(at);
    case 2:
      return text.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + text.slice(at + 1);
    case 3:
      return text.slice(0, at);
    default:
      return text.slice(0, at) + pick(NASTY, random) + text.slice(at + length);
  }
}

/** Marks where a nasty text stands until the document is text again. */
const MARK = 'nasty value ';

function mutateDocument(text: string, others: readonly string[], random: () => number): string {
  let document: Json;
  try {
    document = JSON.parse(text) as Json;
  } catch {
    return mutateText(text, random);
  }
  const places: { holder: JsonObject | Json[]; key: string | number }[] = [];
  const collect = (value: Json): void => {
    if (Array.isArray(value)) value.forEach((item, key) => { places.push({ holder: value, key }); collect(item); });
    else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) {
        places.push({ holder: value, key });
        collect(item);
      }
    }
  }; // prettier-ignore
  collect(document);
  if (places.length === 0) return pick(others, random);
  const { holder, key } = pick(places, random) as { holder: JsonObject; key: string };
  switch (Math.floor(random() * 5)) {
    case 0:
      if (Array.isArray(holder)) (holder as Json[]).splice(Number(key), 1);
      else Reflect.deleteProperty(holder, key);
      break;
    case 1:
      holder[key] = partOf(pick(others, random), random);
      break;
    case 2:
      // Not as a setter: `__proto__` is a key like others.
      if (!Array.isArray(holder)) {
        const value = holder[key] as Json;
        Object.defineProperty(holder, pick(KEYS, random), {
          value,
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
      break;
    default:
      holder[key] = `${MARK}${Math.floor(random() * NASTY.length)}`;
  }
  return JSON.stringify(document).replace(
    new RegExp(`"${MARK}(\\d+)"`, 'g'),
    (_, index) => NASTY[Number(index)] ?? '0',
  );
}

/** Some part of another document. */
function partOf(text: string, random: () => number): Json {
  let part: Json;
  try {
    part = JSON.parse(text) as Json;
  } catch {
    return text.slice(0, 100);
  }
  for (let depth = random() * 6; depth > 0 && typeof part === 'object' && part !== null; depth--) {
    const values: Json[] = Object.values(part);
    if (values.length === 0) break;
    part = pick(values, random);
  }
  return part;
}
