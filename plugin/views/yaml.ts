import { itemPath, memberPath } from '../../shared/delta.ts';
import { exactNumber, isObject, unescapeText } from '../../shared/json.ts';
import { identify } from '../../shared/merge-key.ts';
import type { Json, JsonObject } from '../../shared/types.ts';
import { blockForPeople, scalarLines } from './yaml-scalar.ts';

/** One line of a document, and what it belongs to: `spec.template.spec.containers[nginx].image`, `data["a.conf"][3]`. */
export interface YamlLine {
  text: string;
  path: string;
  /** The keys and places (as in memory) of it in the value; of a line of a text also the number of that line. */
  at: readonly string[];
}

export interface YamlOptions {
  /** Break long scalars at 80 columns, as kubectl does. Without it, a value is as many lines as it has. */
  fold?: boolean;
  /** Write every text of several lines as its lines, for people: see blockForPeople(). What comes of it is no exact YAML. */
  blocks?: boolean;
}

/** A value as kubectl prints it: sorted keys, lists not indented under their key, integers exact. Ends in a newline. */
export function toYaml(value: Json, options: YamlOptions = {}): string {
  return yamlLines(value, options)
    .map(({ text }) => `${text}\n`)
    .join('');
}

/** The lines of a value's YAML, with their paths. */
export function yamlLines(value: Json, options: YamlOptions = {}): YamlLine[] {
  const printer = new YamlPrinter(options);
  printer.node(value, { path: '', at: [], field: '', prefix: '', indent: 0, contentIndent: 0 });
  return printer.lines;
}

/** Keys in the order of go-yaml: letters by code, digits by their number, so `a2` comes before `a10`. */
export function compareKeys(first: string, second: string): number {
  const [a, b] = [[...first], [...second]];
  let digits = false;
  for (let i = 0; i < a.length && i < b.length; i++) {
    const [left = '', right = ''] = [a[i], b[i]];
    if (left === right) {
      digits = isDigit(left);
      continue;
    }
    const [leftLetter, rightLetter] = [isLetter(left), isLetter(right)];
    if (leftLetter && rightLetter) return byCode(left, right);
    if (leftLetter || rightLetter) return (digits ? leftLetter : rightLetter) ? -1 : 1;
    return compareNumbers(a, b, i) || byCode(left, right);
  }
  return a.length - b.length;
}

function compareNumbers(a: string[], b: string[], from: number): number {
  // A zero inside a number counts: 10 against 1.
  let start = from - 1;
  let leading = '';
  if (a[from] === '0' || b[from] === '0') {
    for (; start >= 0 && isDigit(a[start] ?? ''); start--) {
      if (a[start] !== '0') {
        leading = '1';
        break;
      }
    }
  }
  const [left, right] = [leading + digitsFrom(a, from), leading + digitsFrom(b, from)];
  const [leftValue, rightValue] = [BigInt(left || '0'), BigInt(right || '0')];
  if (leftValue !== rightValue) return leftValue < rightValue ? -1 : 1;
  return left.length - right.length;
}

function digitsFrom(text: string[], from: number): string {
  let end = from;
  while (end < text.length && isDigit(text[end] ?? '')) end++;
  return text.slice(from, end).join('');
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '9';
}

function isLetter(character: string): boolean {
  return /\p{L}/u.test(character);
}

function byCode(left: string, right: string): number {
  return (left.codePointAt(0) ?? 0) - (right.codePointAt(0) ?? 0);
}

interface Place {
  path: string;
  at: readonly string[];
  /** The key that the value stands under; '' for an item of a list. */
  field: string;
  /** What stands on the line already: `  image:`, `  -`, or nothing. */
  prefix: string;
  /** Column at which the keys of a mapping, or the dashes of a list, stand. */
  indent: number;
  /** Column of the further lines of a scalar. */
  contentIndent: number;
}

class YamlPrinter {
  readonly lines: YamlLine[] = [];

  constructor(private readonly options: YamlOptions) {}

  node(value: Json, place: Place): void {
    if (Array.isArray(value) && value.length > 0) this.list(value, place);
    else if (isObject(value) && Object.keys(value).length > 0) this.mapping(value, place);
    else this.scalar(value, place);
  }

  private mapping(value: JsonObject, place: Place): void {
    // Inside a list the first key stands on the line of the dash.
    let lead = this.lead(place);
    const keys = Object.keys(value).map((key) => ({ key, name: unescapeText(key) }));
    for (const { key, name } of keys.sort((a, b) => compareKeys(a.name, b.name))) {
      const path = memberPath(place.path, key);
      const [written = ''] = scalarLines(name, true, 0, 0, false);
      const at = [...place.at, key];
      const child = { path, at, field: key, indent: place.indent, contentIndent: place.indent + 2 };
      if (written.length > MAX_SIMPLE_KEY) {
        this.push(`${lead}? ${written}`, path, at);
        lead = ' '.repeat(place.indent);
        this.member(value[key] ?? null, { ...child, prefix: `${lead}:` });
      } else {
        this.member(value[key] ?? null, { ...child, prefix: `${lead}${written}:` });
      }
      lead = ' '.repeat(place.indent);
    }
  }

  /** A mapping under a key is indented, a list is not. */
  private member(value: Json, place: Place): void {
    this.node(value, isObject(value) ? { ...place, indent: place.indent + 2 } : place);
  }

  private list(value: Json[], place: Place): void {
    let lead = this.lead(place);
    const keys = [...(identify(place.field, value, value)?.before.keys() ?? [])];
    for (const [index, item] of value.entries()) {
      const key = keys[index];
      const path = key === undefined ? `${place.path}[${index}]` : itemPath(place.path, key);
      const indent = place.indent + 2;
      const at = [...place.at, String(index)];
      this.node(item, { path, at, field: '', prefix: `${lead}-`, indent, contentIndent: indent });
      lead = ' '.repeat(place.indent);
    }
  }

  /** What the first line of a collection begins with. Under a key the collection starts on a line of its own. */
  private lead({ prefix, path, at, indent }: Place): string {
    if (prefix.endsWith('-')) return `${prefix} `;
    if (prefix !== '') this.push(prefix, path, at);
    return ' '.repeat(indent);
  }

  private scalar(value: Json, { prefix, path, at, contentIndent }: Place): void {
    const lead = prefix === '' ? '' : `${prefix} `;
    if (typeof value !== 'string') {
      this.push(`${lead}${Array.isArray(value) ? '[]' : isObject(value) ? '{}' : String(value)}`, path, at);
      return;
    }
    const number = exactNumber(value);
    const lines = number === null ? this.text(unescapeText(value), lead.length, contentIndent) : [number];
    const isBlock = lines[0]?.startsWith('|') === true;
    for (const [index, text] of lines.entries()) {
      if (index === 0) this.push(lead + text, path, at);
      else if (isBlock) this.push(text, `${path}[${index - 1}]`, [...at, String(index - 1)]);
      else this.push(text, path, at);
    }
  }

  private text(text: string, column: number, indent: number): string[] {
    const { fold = false, blocks = false } = this.options;
    return blocks && text.includes('\n')
      ? blockForPeople(text, indent)
      : scalarLines(text, false, column, indent, fold);
  }

  private push(text: string, path: string, at: readonly string[]): void {
    this.lines.push({ text, path, at });
  }
}

/** YAML 1.1 allows 128 characters before the colon; beyond, the key is marked by a question mark. */
const MAX_SIMPLE_KEY = 128;
