import { changeItem } from '../../shared/change-item.ts';
import { canonicalJson, stringifyJson } from '../../shared/json.ts';
import { printableJson } from '../../shared/printable.ts';
import { formatUtc } from '../../shared/time.ts';
import type { Change, CoverageInterval, Difference, Json, JsonObject } from '../../shared/types.ts';
import { toYaml } from './yaml.ts';

/** Of the documents that are our own; objects of the cluster keep theirs. */
const API_VERSION = 'kubeblame.io/v1alpha1';

/** One document a line, for tools that read them as they come. */
export function jsonLines(values: readonly Json[]): string {
  return values.map((value) => `${stringifyJson(value)}\n`).join('');
}

/** As kubectl prints documents: JSON with four spaces and sorted keys, or YAML. Ends in a newline. */
export function document(value: Json, format: 'json' | 'yaml'): string {
  return format === 'json' ? `${printableJson(canonicalJson(value, 4))}\n` : toYaml(value, { fold: true });
}

/** Changes as a document; times are RFC 3339. */
export function changeList(changes: readonly Change[]): JsonObject {
  return list('ChangeList', changes.map(changeItem));
}

export function differenceList(differences: readonly Difference[]): JsonObject {
  return list('DifferenceList', differences as unknown as Json[]);
}

export function coverageList(intervals: readonly CoverageInterval[]): JsonObject {
  const items = intervals.map(({ from, to, ...rest }) => ({
    ...rest,
    from: formatUtc(from),
    to: to === null ? null : formatUtc(to),
  }));
  return list('CoverageList', items);
}

/** Objects of the cluster, as `kubectl get` lists several: something to apply. */
export function objectList(bodies: readonly JsonObject[]): JsonObject {
  return { apiVersion: 'v1', items: [...bodies], kind: 'List', metadata: { resourceVersion: '' } };
}

export function list(kind: string, items: Json[]): JsonObject {
  return { apiVersion: API_VERSION, kind, items };
}
