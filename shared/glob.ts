/**
 * True if a pattern matches a whole text: `*` is any text, `?` any one character, everything else is literal. The number of
 * steps is at most the product of both lengths, while a regular expression with many stars can take for ever.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let [at, place] = [0, 0];
  // The position of the last star, and how much of the text it has matched.
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

/** True if a text has wildcards. */
export function isGlob(text: string): boolean {
  return /[*?]/.test(text);
}
