import { scaled, REPLICAS_PATH } from '../../../../shared/interpret.ts';
import { isObject, itemsOf } from '../../../../shared/json.ts';
import { apiVersionOf, metadataOf } from '../../../../shared/normalise.ts';
import { hashBody, diff } from '../../../../shared/patch.ts';
import type { Json, JsonObject, ObjectRef } from '../../../../shared/types.ts';
import type { Amendment, Scale } from '../../../ledger/content/payload.ts';
import { definitionOf } from '../endings/enclosing-scopes.ts';
import type { Draft } from './draft.ts';
import { believedOf, isUnknown, type HeadVersion } from './object-head.ts';

/*
 * Requests to scale. A built-in type keeps its number in spec.replicas, a custom resource where its definition says. While that
 * is not known, the request is recorded with what it asked for, and its body is what was there before; what the object is shown as
 * later tells the field.
 */

/** The field that keeps the number of replicas of an object; null where that is not known. */
export async function replicasPath(
  draft: Draft,
  object: ObjectRef,
  apiVersion: string,
): Promise<readonly string[] | null> {
  const definition = definitionOf(object);
  if (definition === null) return REPLICAS_PATH;
  const [known] = await draft.incarnations(definition);
  const version = known === undefined ? null : believedOf(await draft.head(known));
  const body = version === null || version.gone ? null : await draft.body(version.seq);
  const paths = body === null ? draft.replicasPaths(definition.name) : replicasPathsOf(body);
  return paths?.get(apiVersion) ?? null;
}

/** Fields by apiVersion. */
export type ReplicasPaths = ReadonlyMap<string, readonly string[]>;

/** What a CustomResourceDefinition says of those of its versions that can be scaled. */
export function replicasPathsOf({ spec }: JsonObject): ReplicasPaths {
  const { group, versions } = isObject(spec) ? spec : {};
  const paths = new Map<string, readonly string[]>();
  for (const { name, subresources } of itemsOf(versions)) {
    const scale = isObject(subresources) ? subresources.scale : undefined;
    const path = isObject(scale) ? scale.specReplicasPath : undefined;
    if (typeof group !== 'string' || typeof name !== 'string' || typeof path !== 'string') continue;
    // A JSON path without lists, below .spec: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/types.go.
    paths.set(`${group}/${name}`, path.split('.').slice(1));
  }
  return paths;
}

/** A version with what the API server made of it. */
export interface Amended {
  version: HeadVersion;
  amendment: Amendment;
  /** The body with it. */
  body: JsonObject;
}

/**
 * What requests to scale came to of which it was not known which field they set: those at the end of `line`, one made from the
 * other, oldest first. The last one was persisted by the time of `shown`. null where that does not tell.
 *
 * Between the body before them and the one that is shown exactly one number must have gone from what the first one found to what the
 * last one asked for. Where there are several, each must have found what the one before it asked for.
 */
export async function resolveScales(
  draft: Draft,
  line: readonly HeadVersion[],
  shown: JsonObject,
): Promise<Amended[] | null> {
  const requests = line.slice(1 + line.findLastIndex((version) => !isUnknown(version)));
  const [first] = requests;
  if (first?.parent == null) return null;
  const scales: Scale[] = [];
  for (const { seq } of requests) {
    const { scale } = (await draft.change(seq)).detail;
    if (scale === undefined) return null;
    const before = scales.at(-1);
    if (before !== undefined && scale.from !== before.to) return null;
    scales.push(scale);
  }
  const before = await draft.body(first.parent);
  const [from, to] = [scales[0]?.from ?? null, scales.at(-1)?.to];
  if (before === null || to === undefined || apiVersionOf(before) !== apiVersionOf(shown)) return null;
  const [path, ...others] = numbersBetween(before, shown, from, to);
  if (path === undefined || others.length > 0) return null;
  const amended: Amended[] = [];
  let body = before;
  for (const [index, version] of requests.entries()) {
    const next = withGenerationUpTo(scaled(body, path, scales[index]?.to ?? to), shown);
    const hash = hashBody(next);
    if (hash === null) return null;
    const apiVersion = apiVersionOf(next);
    amended.push({ version, amendment: { patch: diff(body, next), apiVersion, hash }, body: next });
    body = next;
  }
  return amended;
}

/** Nobody raises the generation further than it is shown: a type need not have one for its spec. */
function withGenerationUpTo(body: JsonObject, shown: JsonObject): JsonObject {
  const [own, seen] = [metadataOf(body).generation, metadataOf(shown).generation];
  if (typeof own !== 'number' || typeof seen !== 'number' || own <= seen) return body;
  return { ...body, metadata: { ...metadataOf(body), generation: seen } };
}

/** Paths to numbers, outside of metadata and status, that are `from` in one body (any, where it is null) and `to` in the other. */
function numbersBetween(before: JsonObject, after: JsonObject, from: number | null, to: number): string[][] {
  const found: string[][] = [];
  const walk = (old: Json | undefined, now: Json | undefined, path: string[]): void => {
    if (old === now) return;
    if (isObject(old) || isObject(now)) {
      const [a, b] = [isObject(old) ? old : {}, isObject(now) ? now : {}];
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
        walk(ownOf(a, key), ownOf(b, key), [...path, key]);
      }
      return;
    }
    // Go leaves out a zero.
    if (countOf(now) === to && countOf(old) !== null && (from === null || countOf(old) === from)) found.push(path);
  };
  const { metadata: _, status: __, ...old } = before;
  const { metadata: ___, status: ____, ...now } = after;
  walk(old, now, []);
  return found;
}

function ownOf(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function countOf(value: Json | undefined): number | null {
  if (value === undefined) return 0;
  return typeof value === 'number' ? value : null;
}
