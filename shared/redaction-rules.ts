import { memberPath } from './delta.ts';
import { placeOf } from './field-path.ts';
import { escapeKey, isObject, unescapeText } from './json.ts';
import { metadataOf } from './normalise.ts';
import type { Json, JsonObject } from './types.ts';

/** Which values of a resource type never reach the disk. */
export interface RedactionRule {
  group: string;
  resource: string;
  /** Paths of the values, written as for `--field`; `*` stands for every key or index. Checked by redaction-path.ts. */
  paths: string[];
  /** Only objects that have one of these labels; all of the type where it is not given. */
  labels?: Record<string, string>;
}

/** One step of a path: a key, the merge key or the place of a list item, or any of them. */
export interface PathStep {
  name: string;
  any: boolean;
}

/** Always in force; configuration adds to it. */
const SECRET_RULE: RedactionRule = { group: '', resource: 'secrets', paths: ['data.*', 'stringData.*'] };

/** Helm keeps a release with all its values in a Secret, or, Helm 2 and Helm with another storage driver, in a ConfigMap. */
const HELM_RULE: RedactionRule = {
  group: '',
  resource: 'configmaps',
  paths: ['data.release'],
  labels: { OWNER: 'TILLER', owner: 'helm' },
};

/** The path of a webhook is how its server knows the API server: ours, and maybe others'. */
const WEBHOOK_PATH_RULE: RedactionRule = {
  group: 'admissionregistration.k8s.io',
  resource: 'validatingwebhookconfigurations',
  paths: ['webhooks.*.clientConfig.service.path'],
};

/** A token that somebody presents. Not recorded, unless a rule includes it. */
const TOKEN_RULE: RedactionRule = {
  group: 'authentication.k8s.io',
  resource: 'tokenreviews',
  paths: ['spec.token'],
};

export const BUILT_IN_RULES: readonly RedactionRule[] = [SECRET_RULE, HELM_RULE, WEBHOOK_PATH_RULE, TOKEN_RULE];

/** True where a rule holds for an object of its type. */
export function holdsFor({ labels: wanted }: Pick<RedactionRule, 'labels'>, body: JsonObject): boolean {
  if (wanted === undefined) return true;
  const { labels } = metadataOf(body);
  return isObject(labels) && Object.entries(wanted).some(([key, value]) => labels[key] === value);
}

/** The path as it is printed, and may be written. */
export function printPath(steps: readonly PathStep[]): string {
  return steps.reduce((text, { name, any }) => {
    if (any) return text === '' ? '*' : `${text}.*`;
    // A quoted * is a key of that name.
    return name.includes('*') ? `${text}[${JSON.stringify(name)}]` : memberPath(text, escapeKey(name));
  }, '');
}

/**
 * The value with everything at a path replaced by what `replace` makes of it; the same value where nothing is there. As for
 * `--field`, a key with dots may be written without quotes. `at`: where the value is, for `replace`.
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
  // Not the map that it should be: then all of it is confidential.
  if (!isObject(value)) return head.any && value !== null ? replace(value, at) : value;
  return mapMembers(value, (child, key) => {
    const name = unescapeText(key);
    return lengthsOf(steps, name).reduce(
      (result, length) => replaceAt(result, steps.slice(length), `${at}/${key}`, replace, key),
      child,
    );
  });
}

/** How many of the first steps together name a key. */
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

/** The list with its items replaced; the same list where none is. */
export function mapList(list: Json[], replace: (item: Json, index: number) => Json): Json[] {
  const result = list.map(replace);
  return result.every((item, index) => item === list[index]) ? list : result;
}

/** The object with its members replaced; the same object where none is. */
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
