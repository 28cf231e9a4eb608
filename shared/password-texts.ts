import type { Span } from './provider-tokens.ts';

/*
 * Finds passwords in texts by what stands before them: a name, a scheme, a header. A name counts by how it ends: DB_PASSWORD,
 * db.password and dbPassword, but not PASSWORD_FILE. All expressions are linear in the text: it may be a megabyte, and anybody's.
 */

/** What says by itself that a secret follows. */
const CERTAIN =
  'pass(?:word|wd|phrase)|pwd|(?:secret|private|access|api|account|encryption|shared|signing|auth|master)[-_.]?key|' +
  '(?:client|app|application|consumer|shared|signing|session|jwt|api|auth|webhook|cookie)[-_.]?secret|' +
  '(?:access|auth|refresh|bearer|api|id|session|bot|security)[-_.]?token|credentials?';
/** What in a file is as often the name of something else: `secret: web-tls`. */
const UNCERTAIN = 'secret|token|pass';

const NAME_AT_END = new RegExp(`(?:${CERTAIN}|${UNCERTAIN})$`, 'i');
/** A name, and what stands between it and its value. */
const ASSIGNMENT = new RegExp(`(?:(${CERTAIN})|(${UNCERTAIN}))["'\\\\]{0,3}[ \\t]{0,8}(=>|[:=])[ \\t]{0,8}`, 'gi');
/** `scheme://user:password@host`. */
const URL_PASSWORD = /:\/\/[^\s:/@"'<>]{0,256}:([^\s/@"'<>]{1,512})@/dg;
/** Go's `user:password@tcp(host)`: looked for only where there is such a host. */
const GO_HOST = /@(?:tcp|unix)\(/;
const GO_PASSWORD = /\b[\w.-]{1,64}:([^\s@"'<>]{1,256})@(?:tcp|unix)\(/dg;
const AUTHORIZATION =
  /\bauthorization["']?[ \t]{0,8}[:=][ \t]{0,8}["']?(?:bearer|basic|token|apikey|digest)[ \t]{1,8}([^\s"',;]{1,8192})/dgi;

/** What stands where a secret will be, or was. */
const PLACEHOLDER =
  /^["']?(?:redacted:|\$\$?[\w({]|\{\{|<[^<>]{0,64}>|%[\w(]|\*{2,}|(?:true|false|yes|no|on|off|null|none|nil|undefined|~|\||\||>)[-+]?$)/i;

/** Names of Secrets, numbers of words, and words that only end like one. */
const OTHER_NAME =
  /(?:^(?:old)?pwd|(?:tls|cert|certificate|pull)[-_.]?secret|(?:max|min|next|num)[-_.]?token|(?:by|com)pass)$/i;
/** In SQL, and in the configuration of Redis. */
const STATEMENT =
  /\b(?:identified[ \t]{1,8}by|password)[ \t]{1,8}["']([^"'\n]{1,512})["']|^[ \t]{0,8}(?:requirepass|masterauth)[ \t]{1,8}["']?([^\s"']{1,512})/dgim;
/** A file, an address without a password, a number, a time. */
const SETTING = /^(?:\.{0,2}\/[\w.-]+\/[\w./-]*$|[a-z][\w+.-]{0,32}:\/\/[^@\s]*$|\d{1,3}$|\d+[smhd]$)/i;
/** `read()`, `env["X"]`, as far as a word goes. */
const CODE = /^[\w.]{1,256}[([]/;

/** Whether the name of an environment variable or flag says that its value is confidential. */
export function namesSecret(name: string): boolean {
  return NAME_AT_END.test(name) && !OTHER_NAME.test(name);
}

/** Whether a value may be a secret, and not what stands for one. */
export function mayBeSecret(value: string): boolean {
  return value !== '' && !PLACEHOLDER.test(value);
}

/** A value of an environment variable that is no secret, whatever its name: a path, a number, a switch. */
export function isSetting(value: string): boolean {
  return !mayBeSecret(value) || SETTING.test(value) || value.includes('$(');
}

/** Passwords in a text of any kind: a file, a script, a URL. */
export function passwordsIn(text: string): Span[] {
  const spans: Span[] = [];
  for (const pattern of [URL_PASSWORD, AUTHORIZATION, STATEMENT, ...(GO_HOST.test(text) ? [GO_PASSWORD] : [])]) {
    for (const { indices } of text.matchAll(pattern)) add(spans, text, indices?.[1] ?? indices?.[2]);
  }
  const ends = new Ends(text);
  for (const match of text.matchAll(ASSIGNMENT)) {
    const [whole, , uncertain, separator] = match;
    // A comparison is no assignment, and `oauth_bypass` no pass.
    const end = match.index + whole.length;
    if (separator !== '=>' && text[end] === '=') continue;
    if (uncertain !== undefined && /[a-z]/.test(text[match.index - 1] ?? '') && !/^[A-Z]/.test(uncertain)) continue;
    const isYaml = separator === ':' && beginsLine(text, match.index);
    const span = ends.valueAt(end, isYaml);
    const value = text.slice(...span);
    // An alias, a tag or a comment of YAML; a file; code.
    if ((isYaml && /^[*&!#]/.test(value)) || (isSetting(value) && /[/:]/.test(value))) continue;
    if (text[span[0] - 1] === text[end - 1] && CODE.test(value)) continue;
    if (uncertain === undefined ? mayBeSecret(value) : looksRandom(value)) spans.push(span);
  }
  return spans;
}

function add(spans: Span[], text: string, span: readonly [number, number] | undefined): void {
  if (span !== undefined && mayBeSecret(text.slice(...span))) spans.push(span);
}

/** Names are shorter. */
const MAX_NAME = 128;

/** Whether nothing but a key stands in the line before a place: then the value, as in YAML, goes on to its end. */
function beginsLine(text: string, at: number): boolean {
  const before = text.slice(Math.max(at - MAX_NAME, 0), at);
  const line = before.slice(before.lastIndexOf('\n') + 1);
  return /^[ \t]*(?:-[ \t]+)?["']?[\w./-]*$/.test(line) && !line.includes('://');
}

/** Of an unquoted value that is a word, and of one that goes on to the end of its line. */
const WORD_END = /[\s"'`,;&|)}\]<>\\]|$/g;
const LINE_END = /\r?\n|[ \t]+#|,?[ \t]*(?=\r?\n|$)/g;

/** Where values end. Remembers the last end of each sort: `password=password=…` would be read to its end again and again. */
class Ends {
  private readonly last = new Map<RegExp, Span>();

  constructor(private readonly text: string) {}

  /** The value that begins at a place, up to its closing quote, to the end of the line, or to what cannot be part of a word. */
  valueAt(at: number, toLineEnd: boolean): Span {
    const { text } = this;
    const quote = text[at];
    if (quote === '"' || quote === "'" || quote === '`') {
      let end = at + 1;
      while (end < text.length && text[end] !== quote && text[end] !== '\n') end += text[end] === '\\' ? 2 : 1;
      return [at + 1, Math.min(end, text.length)];
    }
    return [at, this.next(toLineEnd ? LINE_END : WORD_END, at)];
  }

  private next(stop: RegExp, at: number): number {
    const [from, to] = this.last.get(stop) ?? [0, -1];
    if (from <= at && at <= to) return to;
    stop.lastIndex = at;
    const end = stop.exec(this.text)?.index ?? this.text.length;
    this.last.set(stop, [at, end]);
    return end;
  }
}

/** Longer texts are no tokens. */
const MAX_TOKEN = 1024;

/** Words of people and names of objects are not: letters and digits, without a path's or host's punctuation. */
function looksRandom(value: string): boolean {
  if (value.length > MAX_TOKEN) return false;
  return mayBeSecret(value) && /^[\w+=~-]{16,}$/.test(value) && /\d/.test(value) && /[A-Za-z]/.test(value);
}
