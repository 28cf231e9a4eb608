import { structuredPatch } from 'diff';
import type { JsonObject } from '../../shared/types.ts';
import type { Style } from './style.ts';
import { printable, shortenEnd } from './text.ts';
import { yamlLines, type YamlLine } from './yaml.ts';

/** Unchanged lines around a change. */
const CONTEXT = 3;

/** A part of two documents that differs, with context. */
export interface DiffHunk {
  /** The path that the first changed line lies under, as git names the function; '' at the top. */
  path: string;
  /** Numbers of the first lines, from 1. */
  oldStart: number;
  newStart: number;
  oldLines: number;
  newLines: number;
  /** Each begins with ` `, `-` or `+`. */
  lines: string[];
}

/** What differs between the YAML of two bodies. null is an object that did not exist. */
export function diffHunks(before: JsonObject | null, after: JsonObject | null): DiffHunk[] {
  const linesOf = (body: JsonObject | null): YamlLine[] => (body === null ? [] : yamlLines(body, { blocks: true }));
  const [old, now] = [linesOf(before), linesOf(after)];
  const texts = (lines: readonly YamlLine[]): string[] => lines.map((line) => printable(line.text));
  return hunksOf(texts(old), texts(now)).map((hunk) => ({ ...hunk, path: pathOf(hunk, old, now) }));
}

/** The same as a unified diff: each part headed by its place and its path. */
export function diffLines(before: JsonObject | null, after: JsonObject | null, style: Style): string[] {
  const { chalk } = style;
  return diffHunks(before, after).flatMap(({ path, oldStart, oldLines, newStart, newLines, lines }) => {
    const place = `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`;
    return [
      `${chalk.cyan(place)}${path === '' ? '' : ` ${printable(path)}`}`,
      ...lines.map((line) => paint(line, style)),
    ];
  });
}

/**
 * More differing lines than this are not searched for what they have in common: the time for it grows with their number
 * times the length of the documents, to hours for two of a megabyte.
 */
const MAX_EDITS = 2000;

function hunksOf(old: readonly string[], now: readonly string[]): Hunk[] {
  const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
  const options = { context: CONTEXT, maxEditLength: MAX_EDITS };
  const whole = old.length === 0 || now.length === 0;
  const patch = whole ? undefined : structuredPatch('', '', text(old), text(now), undefined, undefined, options);
  if (patch !== undefined) return patch.hunks;
  const end = Math.min(old.length, now.length);
  let head = 0;
  while (head < end && old[head] === now[head]) head++;
  let tail = 0;
  while (tail < end - head && old.at(-1 - tail) === now.at(-1 - tail)) tail++;
  if (head === old.length && head === now.length) return [];
  const from = Math.max(0, head - CONTEXT);
  const after = Math.min(tail, CONTEXT);
  const [oldEnd, newEnd] = [old.length - tail, now.length - tail];
  return [
    {
      oldStart: old.length === 0 ? 0 : from + 1,
      oldLines: oldEnd + after - from,
      newStart: now.length === 0 ? 0 : from + 1,
      newLines: newEnd + after - from,
      lines: [
        ...old.slice(from, head).map((line) => ` ${line}`),
        ...old.slice(head, oldEnd).map((line) => `-${line}`),
        ...now.slice(head, newEnd).map((line) => `+${line}`),
        ...old.slice(oldEnd, oldEnd + after).map((line) => ` ${line}`),
      ],
    },
  ];
}

/** What did not change is there to find one's way: on a terminal it stays on its line. */
function paint(line: string, { chalk, columns, ellipsis }: Style): string {
  if (line.startsWith('+')) return chalk.green(line);
  if (line.startsWith('-')) return chalk.red(line);
  return columns === null ? line : shortenEnd(line, columns, ellipsis);
}

type Hunk = Omit<DiffHunk, 'path'>;

/** The path that the first changed line lies under. */
function pathOf({ oldStart, newStart, lines }: Hunk, old: readonly YamlLine[], now: readonly YamlLine[]): string {
  const first = lines.findIndex((line) => line.startsWith('+') || line.startsWith('-'));
  const line = lines[first]?.startsWith('-') === true ? old[oldStart - 1 + first] : now[newStart - 1 + first];
  return parentOf(line?.path ?? '');
}

/** Without the last member: `spec.template.spec.containers[nginx]` of its `image`. */
function parentOf(path: string): string {
  const parts = path.match(/\.?[^.[\]]+|\["(?:[^"\\]|\\.)*"\]|\[[^\]]*\]/g) ?? [];
  return parts.slice(0, -1).join('');
}
