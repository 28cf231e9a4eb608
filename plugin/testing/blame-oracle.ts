import { isObject } from '../../shared/json.ts';
import type { Change, Json, JsonObject } from '../../shared/types.ts';

/*
 * Who set each field last, told independently of shared/blame.ts: forwards through every version, with each body written
 * out as a flat table of fields. A field keeps its change as long as its value stays. Slow, and short enough to be
 * believed.
 */

/** By what the items of the lists in the recording are told apart; all other lists by what is in the item. */
const KEYS: Record<string, string[]> = {
  ...{ containers: ['name'], env: ['name'], volumes: ['name'], containerStatuses: ['name'], envFrom: ['prefix'] },
  ...{
    conditions: ['type'],
    addresses: ['type'],
    metrics: ['type'],
    currentMetrics: ['type'],
    volumeMounts: ['mountPath'],
  },
  ...{ ownerReferences: ['kind', 'name'], tolerations: ['key', 'effect'], taints: ['key', 'effect'] },
  ...{ ports: ['name', 'containerPort', 'port', 'protocol'], podIPs: ['ip'], hostIPs: ['ip'], versions: ['name'] },
  ...{ subjects: ['kind', 'namespace', 'name'], volumeClaimTemplates: ['metadata'], endpoints: ['targetRef'] },
};

/** Fields by path, each with its value: a scalar, or `{` and `[` for what has others in it. */
export function flat(body: JsonObject): Map<string, string> {
  const fields = new Map<string, string>();
  const put = (value: Json, path: string, field: string): void => {
    if (Array.isArray(value)) {
      fields.set(path, '[');
      for (const [index, item] of value.entries()) put(item, `${path}\n${nameOf(value, index, field)}`, '');
    } else if (isObject(value)) {
      fields.set(path, '{');
      for (const [key, member] of Object.entries(value)) put(member, `${path}\n${key}`, key);
    } else {
      fields.set(path, JSON.stringify(value));
      if (typeof value !== 'string') return;
      const names = lineNames(value);
      const last = value.endsWith('\n') ? 'last, ended' : 'last, open';
      for (const [line, name] of names.entries()) fields.set(`${path}\n${name}`, line === names.length - 1 ? last : '');
    }
  };
  put(body, '', '');
  return fields;
}

/** The path in `flat()` of what stands at some keys and places of a body. */
export function pathAt(body: JsonObject, at: readonly string[]): string {
  let value: Json = body;
  let path = '';
  let field = '';
  for (const key of at) {
    if (Array.isArray(value)) {
      path += `\n${nameOf(value, Number(key), field)}`;
      value = value[Number(key)] ?? null;
      field = '';
    } else if (isObject(value)) {
      path += `\n${key}`;
      value = value[key] ?? null;
      field = key;
    } else {
      path += `\n${lineNames(String(value))[Number(key)] ?? '?'}`;
    }
  }
  return path;
}

/** A line of a text is its content, and which of several equal ones it is. */
function lineNames(text: string): string[] {
  const lines = text.replace(/\n$/, '').split('\n');
  return text.includes('\n') ? lines.map((line, index) => `${line}#${countBefore(lines, index)}`) : [];
}

function nameOf(list: Json[], index: number, field: string): string {
  const keys = KEYS[field] ?? [];
  const names = list.map((item) => {
    const parts = isObject(item) ? keys.map((key) => JSON.stringify(item[key] ?? '')) : [];
    return parts.length > 0 ? parts.join('/') : JSON.stringify(item);
  });
  return `${names[index] ?? ''}#${countBefore(names, index)}`;
}

function countBefore(texts: readonly string[], index: number): number {
  return texts.slice(0, index).filter((text) => text === texts[index]).length;
}

/** A text of several lines stays the same text, whatever becomes of its lines. A line is its content, and its end if it is last. */
function isSame(before: string | undefined, now: string): boolean {
  const isText = now.startsWith('"') && now.includes('\\n') && before?.startsWith('"') === true;
  return (
    before === now ||
    isText ||
    (before === '' && now.startsWith('last')) ||
    (before?.startsWith('last') === true && now === '')
  );
}

/** The change that set each field last, after the last of an incarnation's changes (oldest first, with bodies). */
export function oracle(changes: readonly Change[]): Map<string, number> {
  let fields = new Map<string, string>();
  let setBy = new Map<string, number>();
  for (const { seq, after } of changes) {
    const now = flat(after ?? {});
    setBy = new Map(
      [...now].map(([path, value]) => [path, isSame(fields.get(path), value) ? (setBy.get(path) ?? seq) : seq]),
    );
    fields = now;
  }
  return setBy;
}
