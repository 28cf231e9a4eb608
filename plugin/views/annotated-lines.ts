import { ownerAt } from '../../shared/blame.ts';
import { escapeKey } from '../../shared/json.ts';
import { matchManifest } from '../../shared/manifest.ts';
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
   * change; `+`: the cluster has no such line.
   */
  sign: ' ' | '-' | '~' | '+';
  /** What else there is to say; '' for most. */
  comment: string;
  /** What the manifest wants and what the cluster has, where they differ. */
  values?: [wanted: Json, cluster: Json];
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

/** The YAML of a manifest, each line with who set what the cluster has there; `blame` null: the cluster has no such object. */
export function manifestLines(
  manifest: JsonObject,
  blame: ObjectBlame | null,
  field: readonly string[] = [],
): AnnotatedLine[] {
  const setters = new Map(blame?.setters.map((setter) => [setter.seq, setter]));
  const match = blame === null ? null : matchManifest(manifest, blame.body);
  let told: readonly string[] | null = null;
  return yamlLines(manifest, { blocks: true }).flatMap((line): AnnotatedLine[] => {
    if (field.some((key, index) => key !== line.at[index])) return [];
    const { text } = line;
    if (match === null || blame === null)
      return [{ text, at: [], owner: NOBODY, setter: null, sign: '+', comment: '' }];
    const { state, at, wanted, value } = match(line.at);
    if (state === 'absent') {
      const gone = blame.removed.find(
        (part) =>
          at.length === part.at.length + 1 &&
          [...part.at, part.key].every((key, index) => escapeKey(key) === at[index]),
      );
      const owner = gone === undefined ? NOBODY : { seq: gone.seq };
      const first = told !== at;
      told = at;
      const comment = !first ? '' : gone === undefined ? 'not in the cluster' : 'removed';
      return [{ text, at, owner, setter: setters.get(owner.seq) ?? null, sign: '+', comment }];
    }
    const owner = ownerAt(blame.owners, at);
    const same: AnnotatedLine = { text, at, owner, setter: setters.get(owner.seq) ?? null, sign: ' ', comment: '' };
    return [state === 'differs' ? { ...same, sign: '~', values: [wanted ?? null, value ?? null] } : same];
  });
}
