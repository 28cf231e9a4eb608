import { parse, parseAllDocuments } from 'yaml';
import { isObject } from '../../shared/json.ts';
import type { Json, JsonObject } from '../../shared/types.ts';

/*
 * What `helm template` does with our chart, as far as it goes: there is no helm where tests run. It knows the five forms
 * that scripts/chart-yaml.mjs names, with the meaning that they have in Helm, and refuses every other.
 */

export interface Release {
  namespace: string;
  /** Over the chart's own values, key by key. */
  values: JsonObject;
}

/** The objects of a chart. `files`: its texts by their paths. Throws where a template uses what this does not know. */
export function renderChart(files: Record<string, string>, { namespace, values }: Release): JsonObject[] {
  const all = merged(parse(files['values.yaml'] ?? '') as JsonObject, values);
  return Object.entries(files)
    .filter(([path]) => path.startsWith('templates/'))
    .flatMap(([path, text]) => parseAllDocuments(renderTemplate(path, text, namespace, all)))
    .map((document) => {
      const [error] = document.errors;
      if (error !== undefined) throw error;
      return document.toJS() as JsonObject | null;
    })
    .filter((object) => object !== null);
}

function renderTemplate(path: string, text: string, namespace: string, values: JsonObject): string {
  const open: boolean[] = [];
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    const control = /^\{\{- (?:if (\.Values(?:\.\w+)+)|(end)) \}\}$/.exec(line);
    if (control?.[1] !== undefined) open.push(isTrue(valueOf(values, control[1], path)));
    else if (control?.[2] !== undefined) {
      if (open.pop() === undefined) throw new Error(`${path}: an end without an if`);
    } else if (open.every((one) => one)) lines.push(line);
  }
  if (open.length > 0) throw new Error(`${path}: an if without an end`);
  return lines.map((line) => renderLine(path, line, namespace, values)).join('\n');
}

const ACTION = /\{\{ (?:(toJson )?(\.Values(?:\.\w+)+)|(\.Release\.Namespace)|("\{\{")) \}\}/g;

function renderLine(path: string, line: string, namespace: string, values: JsonObject): string {
  const rest = line.replace(ACTION, '');
  if (rest.includes('{{')) throw new Error(`${path}: not one of the forms that the chart may use: ${line}`);
  return line.replace(ACTION, (_, json?: string, value?: string, release?: string) => {
    if (value !== undefined) {
      const found = valueOf(values, value, path);
      if (json !== undefined) return JSON.stringify(found);
      if (isObject(found) || Array.isArray(found)) throw new Error(`${path}: ${value} is no scalar`);
      return String(found);
    }
    return release === undefined ? '{{' : namespace;
  });
}

/** A value that is not there would be an empty one in Helm: here it is a mistake. */
function valueOf(values: JsonObject, path: string, template: string): Json {
  let found: Json | undefined = values;
  for (const key of path.split('.').slice(2)) found = isObject(found) ? found[key] : undefined;
  if (found === undefined) throw new Error(`${template}: values.yaml has no ${path}`);
  return found;
}

/** As Go's templates have it: false, 0, null and what is empty are not. */
function isTrue(value: Json): boolean {
  if (isObject(value)) return Object.keys(value).length > 0;
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

/** As Helm merges values: objects key by key, everything else as a whole. */
function merged(base: JsonObject, over: JsonObject): JsonObject {
  const result = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const known = base[key];
    if (known === undefined) throw new Error(`values.yaml has no ${key}`);
    result[key] = isObject(known) && isObject(value) && Object.keys(known).length > 0 ? merged(known, value) : value;
  }
  return result;
}
