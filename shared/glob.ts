/**
 * True where a pattern matches all of a text: `*` is any text, `?` any one character, all else itself. Takes at most as
 * many steps as the lengths multiplied, whatever the pattern: a regular expression with many stars takes for ever.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let [at, place] = [0, 0];
  // Where the last star stands, and how much of the text it has taken.
  let [star, taken] = [-1, 0];
  while (place < text.length) {
    if (pattern[at] === '*') {
      [star, taken] = [at, place];
      at++;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[place])) {
      at++;
      place++;
    } else if (star >= 0) {
      taken++;
      [at, place] = [star + 1, taken];
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

/** False where a text means only itself. */
export function isGlob(text: string): boolean {
  return /[*?]/.test(text);
}
