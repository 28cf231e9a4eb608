/** What a terminal obeys or a reader cannot see: C0, DEL, C1, bidi marks, line separators, the byte order mark. */
const HIDDEN = /[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/gu;

const SHORT_ESCAPES: Record<string, string> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\u0000': '\\0',
  '\u001b': '\\e',
};

/** Text from the cluster, safe to print on one line: nothing in it moves the cursor, hides, or reorders what follows. */
export function printable(text: string): string {
  return text.replace(HIDDEN, (character) => {
    const short = SHORT_ESCAPES[character];
    if (short !== undefined) return short;
    const code = character.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}

/** Within a JSON text, what a terminal would obey, escaped as JSON allows: its meaning stays. Line breaks stay too. */
export function printableJson(json: string): string {
  return json.replace(HIDDEN, (character) => {
    if (character === '\n') return character;
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
