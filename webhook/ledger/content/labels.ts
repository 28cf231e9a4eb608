import { createHash } from 'node:crypto';
import { sortedJson } from '../../../shared/canonical.ts';
import { isObject } from '../../../shared/json.ts';
import { labelsOf } from '../../../shared/labels.ts';
import { metadataOf } from '../../../shared/normalise.ts';
import { applyPatch } from '../../../shared/patch.ts';
import type { Json, JsonObject, Patch } from '../../../shared/types.ts';

/*
 * A ledger knows the labels of an object at each change without rebuilding it: docs/decisions/0024. Labels are kept as
 * the JSON text of `metadata.labels`, keys sorted, whatever is in there: then every patch fits on them.
 */

/** The text of no labels. */
export const NO_LABELS = '{}';

/** What of a patch concerns labels, as a patch of an object that has nothing else; mostly nothing. */
export function labelSteps(patch: Patch): Patch {
  return patch.flatMap((operation): Patch => {
    const { path } = operation;
    if (path === LABELS || path.startsWith(`${LABELS}/`)) return [operation];
    if (path !== '' && path !== '/metadata') return [];
    if (!('value' in operation)) return [operation];
    const { op, value } = operation;
    return [path === '' ? { op, path, value: onlyLabels(value) } : { op, path, value: onlyLabelsOf(value) }];
  });
}

const LABELS = '/metadata/labels';

function onlyLabels(body: Json): JsonObject {
  return isObject(body) ? { metadata: onlyLabelsOf(body.metadata) } : {};
}

function onlyLabelsOf(metadata: Json | undefined): JsonObject {
  return isObject(metadata) && metadata.labels !== undefined ? { labels: metadata.labels } : {};
}

/** The labels after such steps. */
export function stepLabels(text: string, steps: Patch): string {
  const body = applyPatch({ metadata: { labels: JSON.parse(text) as Json } }, steps);
  return labelsText(body);
}

/** The labels of a body, as they are kept. */
export function labelsText(body: JsonObject | null): string {
  const { labels } = metadataOf(body);
  return labels === undefined ? NO_LABELS : sortedJson(labels);
}

/** What kept labels say. */
export function readLabels(text: string): Record<string, string> {
  return labelsOf({ metadata: { labels: JSON.parse(text) as Json } });
}

/**
 * The numbers that a set of labels stands under in the index, in order: one of the whole text, and one of each label. They
 * are hashes: what is found by them must be looked at.
 */
export function placesOf(text: string): number[] {
  const places = Object.entries(readLabels(text)).map(([key, value]) => placeOf(key, value));
  return [...new Set([placeOfSet(text), ...places])].sort((a, b) => a - b);
}

export function placeOfSet(text: string): number {
  return placeOf('', text);
}

/** All values of a key stand together. */
export function placeOf(key: string, value: string): number {
  return placesOfKey(key).from + hashOf(value, 32);
}

export function placesOfKey(key: string): { from: number; to: number } {
  const from = hashOf(key, 16) * 2 ** 32;
  return { from, to: from + 2 ** 32 - 1 };
}

function hashOf(text: string, bits: 16 | 32): number {
  const digest = createHash('sha256').update(text).digest();
  return bits === 16 ? digest.readUInt16BE() : digest.readUInt32BE();
}
