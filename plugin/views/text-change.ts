import { align } from '../../shared/align.ts';
import { textLines } from '../../shared/pairing.ts';
import type { Json } from '../../shared/types.ts';

/** What changed in a text of several lines, in short. */
export type TextChange =
  /** The first of the changed lines: `number` counts from 1, in the text after it; in the one before, where it was removed. */
  | { kind: 'lines'; number: number; before: string | null; after: string | null; removed: number; added: number }
  /** Nothing but how the lines end: before, and after. */
  | { kind: 'line-ends'; before: string; after: string; count: number }
  /** Nothing but whether a line break ends the last line. */
  | { kind: 'last-line-end'; added: boolean };

/** null where a value is no text, or neither has several lines. */
export function textChange(before: Json, after: Json): TextChange | null {
  if (typeof before !== 'string' || typeof after !== 'string') return null;
  const [old, now] = [textLines(before), textLines(after)];
  if (old === null && now === null) return null;
  const [lines, newLines] = [old ?? [before], now ?? [after]];
  const { removed, added } = align(lines, newLines);
  if (removed.size === 0 && added.size === 0) return { kind: 'last-line-end', added: after.endsWith('\n') };
  if (before.replaceAll('\r\n', '\n') === after.replaceAll('\r\n', '\n')) {
    return { kind: 'line-ends', before: lineEnds(before), after: lineEnds(after), count: added.size };
  }
  const counts = { removed: removed.size, added: added.size };
  let [place, newPlace] = [0, 0];
  while (!removed.has(place) && !added.has(newPlace)) {
    place++;
    newPlace++;
  }
  const isAdded = added.has(newPlace);
  return {
    kind: 'lines',
    number: (isAdded ? newPlace : place) + 1,
    before: removed.has(place) ? (lines[place] ?? '') : null,
    after: isAdded ? (newLines[newPlace] ?? '') : null,
    ...counts,
  };
}

function lineEnds(text: string): string {
  if (!text.includes('\r\n')) return '\\n';
  return /(?<!\r)\n/.test(text) ? 'mixed' : '\\r\\n';
}
