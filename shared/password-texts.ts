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
/** `scheme://user:password@host`; Go's `user:password@tcp(host)`. */
const URL_PASSWORD =
  /:\/\/[^\s:/@"'<>]{0,256}:([^\s/@"'<>]{1,512})@|\b[\w.-]{1,64}:([^\s@"'<>]{1,256})@(?:tcp|unix)\(/dg;
const AUTHORIZATION =
  /\bauthorization["']?[ \t]{0,8}[:=][ \t]{0,8}["']?(?:bearer|basic|token|apikey|digest)[ \t]{1,8}([^\s"',;]{1,8192})/dgi;

/** What stands where a secret will be, or was. */
const PLACEHOLDER =
  /^["']?(?:redacted:|\$[\w({]|\{\{|<|%[\w(]|\*{2,}|(?:true|false|yes|no|on|off|null|none|nil|undefined|~|\||\||>)[-+]?$)/i;

/** Whether the name of an environment variable or flag says that its value is confidential. */
export function namesSecret(name: string): boolean {
  return NAME_AT_END.test(name);
}

/** Whether a value may be a secret, and not what stands for one. */
export function mayBeSecret(value: string): boolean {
  return value !== '' && !PLACEHOLDER.test(value);
}

/** A value of an environment variable that is no secret, whatever its name: a path, a number, a switch. */
export function isSetting(value: string): boolean {
  return !mayBeSecret(value) || /^(?:\.{0,2}\/|\d{1,3}$|\d+[smhd]$)/.test(value) || value.includes('$(');
}

/** Passwords in a text of any kind: a file, a script, a URL. */
export function passwordsIn(text: string): Span[] {
  const spans: Span[] = [];
  for (const { indices } of text.matchAll(URL_PASSWORD)) add(spans, text, indices?.[1] ?? indices?.[2]);
  for (const { indices } of text.matchAll(AUTHORIZATION)) add(spans, text, indices?.[1]);
  for (const match of text.matchAll(ASSIGNMENT)) {
    const [whole, , uncertain, separator] = match;
    // A comparison is no assignment, and `oauth_bypass` no pass.
    const end = match.index + whole.length;
    if (separator !== '=>' && text[end] === '=') continue;
    if (uncertain !== undefined && /[a-z]/.test(text[match.index - 1] ?? '') && !/^[A-Z]/.test(uncertain)) continue;
    const span = valueAt(text, end, separator === ':' && beginsLine(text, match.index));
    const value = text.slice(...span);
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
  const from = Math.max(text.lastIndexOf('\n', at - 1) + 1, at - MAX_NAME);
  return /^[ \t]*(?:-[ \t]+)?["']?[\w./-]*$/.test(text.slice(from, at)) && !text.slice(from, at).includes('://');
}

/** Where the value that begins at a place ends: at its closing quote, at the end of the line, or at what cannot be part of a word. */
function valueAt(text: string, at: number, toLineEnd: boolean): Span {
  const quote = text[at];
  if (quote === '"' || quote === "'" || quote === '`') {
    let end = at + 1;
    while (end < text.length && text[end] !== quote && text[end] !== '\n') end += text[end] === '\\' ? 2 : 1;
    return [at + 1, Math.min(end, text.length)];
  }
  const stop = toLineEnd ? /\r?\n|[ \t]+#|,?[ \t]*(?=\r?\n|$)/g : /[\s"'`,;&|)}\]<>\\]|$/g;
  stop.lastIndex = at;
  return [at, stop.exec(text)?.index ?? text.length];
}

/** Words of people and names of objects are not: letters and digits, without a path's or host's punctuation. */
function looksRandom(value: string): boolean {
  return mayBeSecret(value) && /^[\w+=~-]{16,}$/.test(value) && /\d/.test(value) && /[A-Za-z]/.test(value);
}
