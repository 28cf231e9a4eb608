import { createHmac } from 'node:crypto';
import { isObject, parseJson, stringifyJson } from './json.ts';
import { metadataOf, metadataText } from './normalise.ts';
import type { Json, JsonObject } from './types.ts';

/** Which values of a resource type never reach the disk. */
export interface RedactionRule {
  group: string;
  resource: string;
  /** Paths of the values, such as `data.*`; `*` stands for every key or index. */
  paths: string[];
}

/** Always in force; configuration adds to it. */
export const SECRET_RULE: RedactionRule = { group: '', resource: 'secrets', paths: ['data.*', 'stringData.*'] };

/** The path of a webhook is how its server knows the API server: ours, and maybe others'. */
export const WEBHOOK_PATH_RULE: RedactionRule = {
  group: 'admissionregistration.k8s.io',
  resource: 'validatingwebhookconfigurations',
  paths: ['webhooks.*.clientConfig.service.path'],
};

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** Hex digits of the HMAC that are kept: a change shows, and two values collide once in 2^48. */
const TAG_DIGITS = 12;

/** Replaces confidential values by `redacted:` and a keyed tag: equal values of one field have equal tags. */
export class Redactor {
  private readonly pathsByType = new Map<string, string[][]>();

  /** `key` is the ledger's own, random, kept outside the database: without it a dictionary of passwords does not help. */
  constructor(
    private readonly key: Uint8Array,
    rules: readonly RedactionRule[] = [],
  ) {
    for (const rule of [SECRET_RULE, WEBHOOK_PATH_RULE, ...rules]) {
      const type = `${rule.resource}.${rule.group}`;
      const paths = rule.paths.map((path) => path.split('.'));
      this.pathsByType.set(type, [...(this.pathsByType.get(type) ?? []), ...paths]);
    }
  }

  /** True where a type has confidential values. */
  covers({ group, resource }: { group: string; resource: string }): boolean {
    return this.pathsByType.has(`${resource}.${group}`);
  }

  /** The body with its confidential values replaced; the same body where no rule covers its type. */
  redact(body: JsonObject, type: { group: string; resource: string }): JsonObject {
    const paths = this.pathsByType.get(`${type.resource}.${type.group}`);
    if (paths === undefined) return body;
    // Tags are bound to the object and field, so that equal passwords of two objects cannot be told to be equal.
    const scope = `${type.resource}.${type.group}/${metadataText(body, 'namespace')}/${metadataText(body, 'name')}`;
    const redacted = this.redactPaths(body, paths, scope);
    return this.redactLastApplied(redacted, paths, scope);
  }

  private redactPaths(body: JsonObject, paths: string[][], scope: string): JsonObject {
    return paths.reduce<JsonObject>((result, path) => this.replaceAt(result, path, scope) as JsonObject, body);
  }

  private replaceAt(value: Json, path: readonly string[], scope: string): Json {
    const [head, ...rest] = path;
    if (head === undefined) return this.tag(value, scope);
    if (Array.isArray(value)) {
      return value.map((item, index) =>
        head === '*' || head === String(index) ? this.replaceAt(item, rest, `${scope}/${index}`) : item,
      );
    }
    // Not the map that it should be: then all of it is confidential.
    if (!isObject(value)) return head === '*' && value !== null ? this.tag(value, scope) : value;
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [
        key,
        head === '*' || head === key ? this.replaceAt(child, rest, `${scope}/${key}`) : child,
      ]),
    );
  }

  /** kubectl's annotation repeats the whole object as it was applied. */
  private redactLastApplied(body: JsonObject, paths: string[][], scope: string): JsonObject {
    const metadata = metadataOf(body);
    const annotations = metadata.annotations;
    if (!isObject(annotations) || annotations[LAST_APPLIED] === undefined) return body;
    const applied = annotations[LAST_APPLIED];
    let replacement: Json = this.tag(applied, `${scope}/last-applied`);
    try {
      const document = typeof applied === 'string' ? parseJson(applied) : null;
      if (isObject(document)) replacement = stringifyJson(this.redactPaths(document, paths, scope));
    } catch {
      // Not JSON: what it repeats cannot be told apart, so all of it stays redacted.
    }
    return { ...body, metadata: { ...metadata, annotations: { ...annotations, [LAST_APPLIED]: replacement } } };
  }

  private tag(value: Json, scope: string): string {
    const text = typeof value === 'string' ? value : stringifyJson(value);
    const digest = createHmac('sha256', this.key).update(`${scope}\0${text}`).digest('hex');
    return `redacted:${digest.slice(0, TAG_DIGITS)}`;
  }
}
