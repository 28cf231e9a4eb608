import { sortedJson } from '../../shared/canonical.ts';
import { isObject } from '../../shared/json.ts';
import { labelsOf } from '../../shared/labels.ts';
import { metadataOf } from '../../shared/normalise.ts';
import { applyPatch } from '../../shared/patch.ts';
import type { Json, JsonObject, Patch } from '../../shared/types.ts';

/*
 * A ledger knows the labels of an object at each change without rebuilding it: docs/decisions/0026. Labels are kept as
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

/** What they can be found by, as UTF-8 holds it: half of a surrogate pair, which no selector can name, is not. */
export function labelPairs(text: string): { key: string; value: string }[] {
  return Object.entries(readLabels(text)).map(([key, value]) => ({ key: whole(key), value: whole(value) }));
}

function whole(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}
