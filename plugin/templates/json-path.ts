import { JSONPath } from 'jsonpath-plus';
import { KubeblameError } from '../../shared/errors.ts';
import { escapeKey, exactNumber, stringifyJson, unescapeText } from '../../shared/json.ts';
import type { Json } from '../../shared/types.ts';

/*
 * kubectl's JSONPath (k8s.io/client-go/util/jsonpath): texts, and between braces a path, a quoted text, or range and end. The
 * paths are looked up by jsonpath-plus, which gets them step by step: its own spelling differs from kubectl's.
 */

type Part =
  { kind: 'text'; text: string } | { kind: 'path'; path: string[] } | { kind: 'range'; path: string[]; parts: Part[] };

/** A template of `-o jsonpath=`, read. Throws usage-invalid where it is none. */
export function parseTemplate(template: string): Part[] {
  const open: { parts: Part[]; path: string[] }[] = [{ parts: [], path: [] }];
  const add = (part: Part): void => void open.at(-1)?.parts.push(part);
  let rest = template;
  while (rest !== '') {
    const brace = rest.indexOf('{');
    if (brace !== 0) {
      add({ kind: 'text', text: brace < 0 ? rest : rest.slice(0, brace) });
      rest = brace < 0 ? '' : rest.slice(brace);
      continue;
    }
    const action = /^\{((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^{}"'])*)\}/s.exec(rest);
    if (action === null) throw invalid(template, 'a brace is not closed');
    rest = rest.slice(action[0].length);
    const text = (action[1] ?? '').trim();
    if (/^["']/.test(text)) add({ kind: 'text', text: unquoted(text, template) });
    else if (text === 'end') {
      const range = open.pop();
      if (range === undefined || open.length === 0) throw invalid(template, 'there is an {end} without a {range}');
      add({ kind: 'range', ...range });
    } else if (/^range\s/.test(text))
      open.push({ parts: [], path: parsePath(text.slice('range'.length).trim(), template) });
    else add({ kind: 'path', path: parsePath(text, template) });
  }
  // kubectl takes the end of the template for the end of a range, too.
  for (let range = open.pop(); range !== undefined; range = open.pop()) {
    if (open.length === 0) return range.parts;
    add({ kind: 'range', ...range });
  }
  return [];
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r' };

function unquoted(text: string, template: string): string {
  const quoted = /^(["'])((?:[^\\]|\\.)*)\1$/s.exec(text)?.[2];
  if (quoted === undefined) throw invalid(template, `${text} is not one quoted text`);
  return quoted.replace(/\\(.)/gs, (_, letter: string) => ESCAPES[letter] ?? letter);
}

/** One step at a time, from where the last one ended. */
const STEPS: readonly [pattern: RegExp, read: (match: RegExpExecArray) => string[]][] = [
  [/^\.\.(?=[\w*\\[-])/, () => ['..']],
  [/^\.?\*/, () => ['*']],
  [/^\.?\[\s*\*\s*\]/, () => ['*']],
  [/^\.?\[\s*(-?\d+)\s*\]/, ([, index = '']) => [index.startsWith('-') ? lastFrom(Number(index)) : index]],
  [/^\.?\[\s*(\d+(?:\s*,\s*\d+)+)\s*\]/, ([, list = '']) => [list.replace(/\s/g, '')]],
  [/^\.?\[\s*(-?\d*:-?\d*(?::\d+)?)\s*\]/, ([, slice = '']) => [slice]],
  [/^\.?\[\s*(\?\(.*?\))\s*\]/s, ([, filter = '']) => [filterOf(filter)]],
  [/^\.?\[\s*(["'])((?:(?!\1)[^\\]|\\.)*)\1\s*\]/s, ([, , name = '']) => [nameOf(name)]],
  [/^\.?((?:[^.[\]{}\s*\\]|\\.)+)/s, ([, name = '']) => [nameOf(name)]],
];
/** `['name','namespace']`: of these jsonpath-plus takes plain names. */
const NAMES = /^\.?\[\s*((?:["'][\w-]+["']\s*,\s*)+["'][\w-]+["'])\s*\]/;

/** A path such as `.items[*].metadata.labels.app\.io/name`, as the steps that jsonpath-plus takes. Throws usage-invalid. */
export function parsePath(text: string, template: string): string[] {
  const path: string[] = [];
  let rest = text.replace(/^[$@]/, '');
  if (rest !== '' && !/^[.[*]/.test(rest)) throw invalid(template, `${text} does not start with a dot`);
  if (rest === '.') return path;
  while (rest !== '') {
    const names = NAMES.exec(rest);
    if (names !== null) {
      path.push((names[1] ?? '').replace(/["'\s]/g, ''));
      rest = rest.slice(names[0].length);
      continue;
    }
    const found = STEPS.map(([pattern, read]) => ({ match: pattern.exec(rest), read })).find(
      ({ match }) => match !== null,
    );
    if (found?.match == null) throw invalid(template, `${JSON.stringify(rest)} is no step of a path`);
    path.push(...found.read(found.match));
    rest = rest.slice(found.match[0].length);
  }
  return path;
}

/** The backtick says that it is a name, whatever it holds. */
function nameOf(text: string): string {
  return `\`${escapeKey(text.replace(/\\(.)/gs, '$1'))}`;
}

function lastFrom(index: number): string {
  return index === -1 ? '-1:' : `${index}:${index + 1}`;
}

/** `@.a.b\.c` becomes `@.a['b.c']`. */
function filterOf(filter: string): string {
  return filter.replace(
    /\.((?:[\w-]*\\.)+[\w-]*(?:\/[\w-]+)?)/g,
    (_, name: string) => `['${name.replace(/\\(.)/g, '$1')}']`,
  );
}

interface Found {
  value: Json;
  parent: Json;
  parentProperty: string | number;
}

/** What stands at a path; nothing where it does not exist. */
export function lookUp(document: Json, path: readonly string[]): Json[] {
  if (path.length === 0) return [document];
  const found = JSONPath<Found[] | undefined>({
    json: document as object,
    path: ['$', ...path],
    resultType: 'all',
    wrap: true,
    // Of what a filter looks at and is not there nothing matches.
    eval: 'safe',
    ignoreEvalErrors: true,
  });
  return (found ?? []).filter(isInDocument).map(({ value }) => value);
}

/** The length of a list and the letters of a text are JavaScript's. */
function isInDocument({ parent, parentProperty }: Found): boolean {
  return Array.isArray(parent) ? parentProperty !== 'length' : typeof parent === 'object';
}

/** The text that a template makes of a document. */
export function fill(parts: readonly Part[], document: Json): string {
  return parts
    .map((part) => {
      if (part.kind === 'text') return part.text;
      const found = lookUp(document, part.path);
      return part.kind === 'path' ? found.map(textOf).join(' ') : found.map((each) => fill(part.parts, each)).join('');
    })
    .join('');
}

/** As kubectl prints it: texts as they are, objects and lists as JSON. */
export function textOf(value: Json): string {
  if (value === null) return '';
  return typeof value === 'string' ? (exactNumber(value) ?? unescapeText(value)) : stringifyJson(value);
}

function invalid(template: string, reason: string): KubeblameError {
  return new KubeblameError('usage-invalid', `jsonpath ${JSON.stringify(template)}: ${reason}`, "paths are written as in kubectl: '{.items[*].seq}'; -o json shows the fields"); // prettier-ignore
}
