import { isObject, stringifyJson } from './json.ts';
import { passwordsInWords, wordsOf, type Word } from './password-commands.ts';
import { isSetting, namesSecret, passwordsIn } from './password-texts.ts';
import { providerTokens, type Span } from './provider-tokens.ts';
import { holdsRedacted } from './redacted.ts';
import { copyOf } from './redact-object.ts';
import { mapList, mapMembers } from './redaction-rules.ts';
import type { Json, JsonObject, ResourceType } from './types.ts';

/** Which patterns are used to redact commands, `env` and ConfigMaps. */
export interface PatternOptions {
  /** The built-in patterns: telling names, options of programs, URLs, headers, tokens of providers. */
  wellKnown: boolean;
  /** Regular expressions. The first group of a match is redacted, or the whole match if there is no group. Checked by `parsePattern`. */
  own: readonly string[];
}

/** The default. */
export const KNOWN_PATTERNS: PatternOptions = { wellKnown: true, own: [] };
export const NO_PATTERNS: PatternOptions = { wellKnown: false, own: [] };

/** Reads a pattern. Throws SyntaxError, or RangeError for a pattern that matches the empty text. */
export function parsePattern(text: string): RegExp {
  const pattern = new RegExp(text, 'dg');
  if (new RegExp(text).test('')) throw new RangeError('it matches the empty text');
  return pattern;
}

/** If a text has none of these, no built-in pattern matches it. */
const SUSPECT_TEXT =
  '(?:pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|(?:secret|private|access|api|account|encryption|shared|signing|auth|master)[-_.]?key)["\'\\\\]*(?:\\s|[:=,]|(?<=\\\\)[ntr])' +
  '|://[^ /@"\'<>]{0,256}:[^ /@"\'<>]{1,512}@|@(?:tcp|unix)\\(|authorization|identified|masterauth|-----BEGIN|npm_|xox[a-z]-|xapp-|hooks\\.slack|SG\\.' +
  '|shp(?:pa|ca|at|ss)_|gh[pousr]_|github_pat_|sk-|lin_api_|ops_ey';
const SUSPECT = new RegExp(SUSPECT_TEXT, 'i');
const SUSPECT_COMMAND = new RegExp(`${SUSPECT_TEXT}|["'n \\\\t]-[pPawu]|--user`, 'i');
/**
 * What precedes the value of a variable, or a command, in the JSON of an object and of a copy in an annotation. It omits the
 * leading quote, because a search for the most frequent character takes several times as long.
 */
const PLACES = /value(\\?)":\1"|command(?=\\?")|args(?=\\?")/g;
/** The longest name of a variable that is considered. */
const NAME_BYTES = 300;
/** At most this many times the length of a review is scanned. */
const MAX_LOOKS = 4;

type Tag = (secret: string) => string;

/** Replaces what looks like a password, and keeps the text around it. The result depends on the text alone. */
export class Patterns {
  private readonly own: readonly RegExp[];

  constructor(private readonly options: PatternOptions) {
    this.own = options.own.map(parsePattern);
  }

  /** False if no pattern is in use. */
  private get isOn(): boolean {
    return this.options.wellKnown || this.own.length > 0;
  }

  /** False if no pattern can match in the text of a review: a few searches instead of parsing it. */
  mayHold({ resource, group }: Pick<ResourceType, 'group' | 'resource'>, review: Buffer): boolean {
    if (!this.isOn) return false;
    // Latin-1 is faster than UTF-8, and what is searched for is ASCII.
    const text = review.toString('latin1');
    // Matches may be nested, and a text may consist of them: then parsing is cheaper than searching.
    let left = MAX_LOOKS * text.length;
    // Configured patterns do not match escaped JSON text, so the review must be parsed.
    const fits = (pattern: RegExp, from: number, to: number): boolean => {
      left -= to - from;
      return left < 0 || this.own.length > 0 || pattern.test(text.slice(from, to));
    };
    if (resource === 'configmaps' && group === '') return fits(SUSPECT, 0, text.length);
    for (const { 0: found, 1: escape, index: at } of text.matchAll(PLACES)) {
      if (text[at - 1] !== '"') continue;
      if (escape === undefined) {
        if (fits(SUSPECT_COMMAND, at, endOfList(text, at + found.length))) return true;
        continue;
      }
      const end = endOfText(text, at + found.length, escape.length);
      const before = text.slice(Math.max(at - NAME_BYTES, 0), at);
      const behind = text.slice(end, end + NAME_BYTES);
      const from = at - before.length + Math.max(before.lastIndexOf('{'), 0);
      const to = behind.indexOf('}');
      if (fits(SUSPECT, from, end + (to < 0 ? behind.length : to))) return true;
    }
    return false;
  }

  /** The body with each password replaced by what `tag` returns; the same body if it has none. */
  redact(body: JsonObject, tag: Tag): JsonObject {
    return this.isOn ? (this.object(body, tag) as JsonObject) : body;
  }

  private object(value: Json, tag: Tag, isAnnotation = false): Json {
    if (Array.isArray(value)) return mapList(value, (item) => this.object(item, tag, isAnnotation));
    if (!isObject(value)) return isAnnotation && typeof value === 'string' ? this.copy(value, tag) : value;
    const isConfigMap = value.kind === 'ConfigMap';
    const isProxy = typeof value.kind === 'string' && value.kind.endsWith('ProxyOptions');
    return mapMembers(value, (child, key) => {
      if (key === 'env' && Array.isArray(child)) return mapList(child, (item) => this.variable(item, tag));
      if ((key === 'command' || key === 'args') && isTexts(child)) return this.command(child, tag);
      if (key === 'data' && isConfigMap && isObject(child)) {
        return mapMembers(child, (text, name) => this.setting(name, text, tag));
      }
      if (key === 'path' && isProxy && typeof child === 'string') return this.text(child, tag);
      if (key === 'status') return child;
      return this.object(child, tag, isAnnotation || key === 'annotations');
    });
  }

  /** An annotation that is a copy of the object. */
  private copy(text: string, tag: Tag): string {
    const copy = this.own.length > 0 || SUSPECT_COMMAND.test(text) ? copyOf(text) : undefined;
    if (copy === undefined) return text;
    const clean = this.object(copy, tag);
    return clean === copy ? text : stringifyJson(clean);
  }

  /** An item of `env`: `{name, value}`. */
  private variable(item: Json, tag: Tag): Json {
    if (!isObject(item) || typeof item.value !== 'string') return item;
    const name = typeof item.name === 'string' ? item.name : '';
    const value = this.setting(name, item.value, tag);
    return value === item.value ? item : { ...item, value };
  }

  /** A value with a name. */
  private setting(name: string, value: Json, tag: Tag): Json {
    if (typeof value !== 'string') return value;
    // A value of several lines is a file: only the passwords in it are hidden.
    const isLine = !value.trimEnd().includes('\n');
    const isSecret =
      this.options.wellKnown && namesSecret(name) && isLine && !isSetting(value) && !holdsRedacted(value);
    return isSecret ? tag(value) : this.text(value, tag);
  }

  private command(words: string[], tag: Tag): string[] {
    if (!this.options.wellKnown) return mapList(words, (word) => this.text(word as string, tag)) as string[];
    let at = 0;
    const placed: Word[] = words.map((text) => {
      const from = at;
      at += text.length;
      return { text, from };
    });
    const spans = passwordsInWords(placed).sort((a, b) => a[0] - b[0]);
    let next = 0;
    return mapList(words, (word, index) => {
      const text = word as string;
      const from = placed[index]?.from ?? 0;
      const inside: Span[] = [];
      for (let span = spans[next]; span !== undefined && span[0] < from + text.length; span = spans[++next])
        inside.push([span[0] - from, span[1] - from]);
      // The script of a shell is a command of its own.
      const inner = /[ \t\r\n]/.test(text) ? passwordsInWords(wordsOf(text)) : [];
      return this.text(text, tag, [...inside, ...inner]);
    }) as string[];
  }

  private text(text: string, tag: Tag, more: readonly Span[] = []): string {
    const known = this.options.wellKnown ? [...passwordsIn(text), ...providerTokens(text)] : [];
    return replaceSpans(text, [...more, ...known, ...this.own.flatMap((pattern) => matchesOf(pattern, text))], tag);
  }
}

/** The end of a JSON string that has begun. `depth`: how many backslashes escape its quotes. */
function endOfText(text: string, from: number, depth: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at;
    while (text[before - 1] === '\\') before--;
    if (at - before <= depth) return at;
  }
  return text.length;
}

/** The end of a JSON list of texts whose key precedes a position: the text before `]`. */
function endOfList(text: string, from: number): number {
  const depth = text[from] === '\\' ? 1 : 0;
  // After the closing quote of the key.
  for (let at = text.indexOf('"', from); at >= 0;) {
    at = text.indexOf('"', at + 1);
    if (at < 0) break;
    at = endOfText(text, at + 1, depth);
    if (text[at + 1] === ']') return at;
  }
  return text.length;
}

function isTexts(value: Json): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function matchesOf(pattern: RegExp, text: string): Span[] {
  return [...text.matchAll(pattern)].flatMap(({ indices }): Span[] => {
    const span = indices?.[1] ?? indices?.[0];
    return span === undefined ? [] : [span];
  });
}

/** Overlapping spans are merged into one secret. */
function replaceSpans(text: string, spans: readonly Span[], tag: Tag): string {
  if (spans.length === 0) return text;
  let result = '';
  let done = 0;
  const sorted = spans.filter(([from, to]) => to > from).sort((a, b) => a[0] - b[0]);
  for (let index = 0; index < sorted.length;) {
    const [from, first] = sorted[index] ?? [0, 0];
    let to = first;
    for (index++; index < sorted.length && (sorted[index]?.[0] ?? 0) < to; index++)
      to = Math.max(to, sorted[index]?.[1] ?? 0);
    result += text.slice(done, from) + tag(text.slice(from, to));
    done = to;
  }
  return result + text.slice(done);
}
