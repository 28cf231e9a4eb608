import { ownerAt } from '../../shared/blame.ts';
import { escapeKey } from '../../shared/json.ts';
import type { Comparison } from '../../shared/manifest.ts';
import { mergeRemoved } from '../../shared/removed.ts';
import type { Json, JsonObject, ObjectBlame, Owner, Setter } from '../../shared/types.ts';
import { yamlLines } from './yaml.ts';

/** One line of a document, and the change that set it. */
export interface AnnotatedLine {
  text: string;
  /** Keys and places in the body, as ownerAt() takes them. */
  at: readonly string[];
  owner: Owner;
  /** null where the record does not have the change. */
  setter: Setter | null;
  /**
   * `-`: not there any more, taken away by the change. Of a manifest's line `~`: the cluster has something else, set by the
   * change; `+`: only the manifest has it; `-`: only the cluster has it, set by the change; `?`: it was not compared.
   */
  sign: ' ' | '-' | '~' | '+' | '?';
  /** What else there is to say; '' for most. */
  comment: string;
  /** What the manifest wants and what the cluster has, where they differ. */
  values?: [wanted: Json, cluster: Json];
  /** Of a value that was not compared: where it is, as deltas have it. */
  path?: string;
}

/** The YAML of an object, each line with the change that set it; `field` (keys and places) limits it. */
export function annotatedLines(blame: ObjectBlame, field: readonly string[] = []): AnnotatedLine[] {
  const setters = new Map(blame.setters.map((setter) => [setter.seq, setter]));
  const { body, places } = mergeRemoved(blame.body, blame.removed);
  return yamlLines(body, { blocks: true }).flatMap((line) => {
    const { at, removed } = places(line.at);
    if (field.some((key, index) => key !== at[index])) return [];
    const owner = removed === null ? ownerAt(blame.owners, at) : { seq: removed };
    const sign = removed === null ? ' ' : '-';
    return [{ text: line.text, at, owner, setter: setters.get(owner.seq) ?? null, sign, comment: '' }];
  });
}

const NOBODY: Owner = { seq: 0 };

/** The YAML of a manifest that is compared with the cluster, each line with who set what the cluster has there. */
export function manifestLines(
  { body, match }: Comparison,
  blame: ObjectBlame,
  field: readonly string[] = [],
): AnnotatedLine[] {
  const setters = new Map(blame.setters.map((setter) => [setter.seq, setter]));
  let told: object | null = null;
  return yamlLines(body, { blocks: true }).flatMap(({ text, path, at: keys }): AnnotatedLine[] => {
    if (field.some((key, index) => key !== keys[index])) return [];
    const { state, at, part, wanted, value, comment = '' } = match(keys);
    const isFirst = told !== part;
    told = part;
    const line = (sign: AnnotatedLine['sign'], more: string, owner = ownerAt(blame.owners, at)): AnnotatedLine => ({
      text,
      at,
      owner,
      setter: setters.get(owner.seq) ?? null,
      sign,
      comment: more,
    });
    switch (state) {
      case 'same':
        return [line(' ', '')];
      case 'differs':
        if (wanted === undefined) return [line('~', `cluster: ${comment}`)];
        return [{ ...line('~', ''), values: [wanted, value ?? null] }];
      case 'hidden':
        return [{ ...line('?', 'not compared (redacted)'), path }];
      case 'extra':
        return [line('-', isFirst ? 'not in the file' : '')];
      case 'absent': {
        const gone = blame.removed.find(
          (removed) =>
            at.length > removed.at.length &&
            [...removed.at, removed.key].every((key, index) => escapeKey(key) === at[index]),
        );
        const owner = gone === undefined ? NOBODY : { seq: gone.seq };
        return [line('+', !isFirst ? '' : gone === undefined ? 'not in the cluster' : 'removed', owner)];
      }
    }
  });
}

/** The YAML of an object without a counterpart: `+` where the cluster has none, ` ` where it cannot be compared. */
export function plainLines(object: JsonObject, sign: '+' | ' ', field: readonly string[] = []): AnnotatedLine[] {
  return yamlLines(object, { blocks: true }).flatMap(({ text, at }) =>
    field.some((key, index) => key !== at[index])
      ? []
      : [{ text, at: [], owner: NOBODY, setter: null, sign, comment: '' }],
  );
}
