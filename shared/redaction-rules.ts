import { memberPath } from './delta.ts';
import { placeOf } from './field-path.ts';
import { escapeKey, isObject, unescapeText } from './json.ts';
import { metadataOf } from './normalise.ts';
import type { Json, JsonObject } from './types.ts';

/** The values of a resource type that never reach the disk. */
export interface RedactionRule {
  group: string;
  resource: string;
  /** Paths of the values, written as for `--field`; `*` stands for every key or index. Checked by redaction-path.ts. */
  paths: string[];
  /** Only objects with one of these labels; all objects of the type if not given. */
  labels?: Record<string, string>;
}

/** One step of a path: a key, the merge key or the index of a list item, or all of them. */
export interface PathStep {
  name: string;
  any: boolean;
}

/** The built-in rules; configuration adds to them. */
const SECRET_RULE: RedactionRule = { group: '', resource: 'secrets', paths: ['data.*', 'stringData.*'] };

/** Helm keeps a release with all its values in a Secret; Helm 2, and Helm with another storage driver, in a ConfigMap. */
const HELM_RULE: RedactionRule = {
  group: '',
  resource: 'configmaps',
  paths: ['data.release'],
  labels: { OWNER: 'TILLER', owner: 'helm' },
};

/** The path of a webhook's URL can be a secret by which its server recognizes the API server, as ours does. */
const WEBHOOK_PATH_RULE: RedactionRule = {
  group: 'admissionregistration.k8s.io',
  resource: 'validatingwebhookconfigurations',
  paths: ['webhooks.*.clientConfig.service.path'],
};

/** A token that somebody presents. Such requests are not recorded unless a rule includes them. */
const TOKEN_RULE: RedactionRule = {
  group: 'authentication.k8s.io',
  resource: 'tokenreviews',
  paths: ['spec.token'],
};

export const BUILT_IN_RULES: readonly RedactionRule[] = [SECRET_RULE, HELM_RULE, WEBHOOK_PATH_RULE, TOKEN_RULE];

/** True if a rule applies to an object of its type. */
export function holdsFor({ labels: wanted }: Pick<RedactionRule, 'labels'>, body: JsonObject): boolean {
  if (wanted === undefined) return true;
  const { labels } = metadataOf(body);
  return isObject(labels) && Object.entries(wanted).some(([key, value]) => labels[key] === value);
}

/** The path as text, in the accepted spelling. */
export function printPath(steps: readonly PathStep[]): string {
  return steps.reduce((text, { name, any }) => {
    if (any) return text === '' ? '*' : `${text}.*`;
    // A quoted * is the key `*`.
    return name.includes('*') ? `${text}[${JSON.stringify(name)}]` : memberPath(text, escapeKey(name));
  }, '');
}

/**
 * The value with everything at a path replaced by the result of `replace`; the same value if nothing is there. As for `--field`, a
 * key with dots may be written without quotes. `at`: the position of the value, passed to `replace`.
 */
export function replaceAt(
  value: Json,
  steps: readonly PathStep[],
  at: string,
  replace: (value: Json, at: string) => Json,
  field = '',
): Json {
  const [head] = steps;
  if (head === undefined) return replace(value, at);
  if (Array.isArray(value)) {
    const place = head.any ? null : placeOf(value, head.name, field);
    return mapList(value, (item, index) =>
      head.any || index === place ? replaceAt(item, steps.slice(1), `${at}/${index}`, replace) : item,
    );
  }
  // Not a map as expected: then the whole value is confidential.
  if (!isObject(value)) return head.any && value !== null ? replace(value, at) : value;
  return mapMembers(value, (child, key) => {
    const name = unescapeText(key);
    return lengthsOf(steps, name).reduce(
      (result, length) => replaceAt(result, steps.slice(length), `${at}/${key}`, replace, key),
      child,
    );
  });
}

/** How many of the first steps together form a key. */
function lengthsOf(steps: readonly PathStep[], key: string): number[] {
  if (steps[0]?.any === true) return [1];
  const lengths: number[] = [];
  let joined = '';
  for (const [index, { name, any }] of steps.entries()) {
    if (any) break;
    joined = index === 0 ? name : `${joined}.${name}`;
    if (joined === key) lengths.push(index + 1);
    if (joined.length >= key.length) break;
  }
  return lengths;
}

/** The list with its items replaced; the same list if none changes. */
export function mapList(list: Json[], replace: (item: Json, index: number) => Json): Json[] {
  const result = list.map(replace);
  return result.every((item, index) => item === list[index]) ? list : result;
}

/** The object with its members replaced; the same object if none changes. */
export function mapMembers(object: JsonObject, replace: (child: Json, key: string) => Json): JsonObject {
  let result = object;
  for (const key of Object.keys(object)) {
    const child = object[key] as Json;
    const replaced = replace(child, key);
    if (replaced === child) continue;
    if (result === object) result = { ...object };
    result[key] = replaced;
  }
  return result;
}
