import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { parseJson } from '../json.ts';
import type { JsonObject } from '../types.ts';

/** The recording of a real cluster that the tests and the demo use: shared/fixtures/shop, described in its README. */
export const SHOP = fileURLToPath(new URL('../fixtures/shop/', import.meta.url));

/** The lines of a file of the recording, as text. */
export function shopLines(file: string): string[] {
  const bytes = readFileSync(SHOP + file);
  return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().trimEnd().split('\n');
}

/** The lines of a file of the recording, parsed without loss. */
export function shopDocuments(file: string): JsonObject[] {
  return shopLines(file).map((line) => parseJson(line) as JsonObject);
}

/** The moments at which nobody had acted for six seconds, and at which the truth is known. */
export function shopMarks(): { mark: string; at: number; objects: number }[] {
  return shopLines('marks.ndjson').map((line) => {
    const mark = JSON.parse(line) as { mark: string; at: string; objects: number };
    return { ...mark, at: Date.parse(mark.at) };
  });
}
