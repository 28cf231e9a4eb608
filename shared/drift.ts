import { ownerAt } from './blame.ts';
import { isObject, memberOf, parseJson } from './json.ts';
import { isControlPlane } from './machines.ts';
import { metadataOf } from './normalise.ts';
import { pairWanted } from './pair-wanted.ts';
import { isServerNote, isServerSet } from './recreate.ts';
import { filledIn, type Filled } from './schema/defaults.ts';
import { builtInKind } from './schema/kinds.ts';
import type { Json, JsonObject, ObjectBlame, Setter } from './types.ts';

/** What the cluster has, and who set it. */
export type Cluster = Pick<ObjectBlame, 'body' | 'owners' | 'setters'>;

/** A part of the cluster's body that a manifest does not have. */
export interface Extra {
  value: Json;
  /** Keys and places in the body. */
  at: readonly string[];
  /** The map or list that it is in. */
  around: Json;
  /** The same part of the last applied manifest; undefined if it has none, or if that manifest is not known. */
  applied: Json | undefined;
  /** True if the manifest has an item for this list item. */
  item: boolean;
}

/** Which parts of it somebody has set. `inside` has the same keys as `value`. */
export interface Drift {
  value: Json;
  at: readonly string[];
  inside: Map<string, Drift>;
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** Maps in which anybody may put keys of their own. The API server adds none there but those that isServerNote() knows. */
const FREE_MAPS = new Set(['labels', 'annotations', 'data', 'binaryData', 'stringData', 'matchLabels', 'nodeSelector', 'parameters']); // prettier-ignore
/** The managers under which the control plane writes. */
const CONTROL_PLANE_MANAGERS = new Set(['kube-controller-manager', 'kube-scheduler', 'kube-apiserver', 'kubelet', 'cloud-controller-manager']); // prettier-ignore
const FINALIZERS = new Set(['kubernetes', 'kubernetes.io/pvc-protection', 'kubernetes.io/pv-protection', 'foregroundDeletion', 'orphan']); // prettier-ignore

/** The manifest of the last `kubectl apply`, from its annotation; undefined if there is none that can be read. */
export function lastApplied(body: JsonObject): Json | undefined {
  const { annotations } = metadataOf(body);
  const text = annotations !== undefined && isObject(annotations) ? annotations[LAST_APPLIED] : undefined;
  try {
    return typeof text === 'string' ? parseJson(text) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Tells apart, in what only the cluster has, what somebody set and what the API server filled in. The rule and its limits
 * are in docs/output.md and docs/decisions/0033.
 */
export class DriftFinder {
  private readonly setters: Map<number, Setter>;
  private readonly filled: ((at: readonly string[], value: Json, beside: Json) => Filled) | null;
  private readonly applied: boolean;

  /** `hides`: users whose settings do not count, in addition to the control plane. */
  constructor(
    private readonly cluster: Cluster,
    private readonly hides: (setter: Setter) => boolean = () => false,
  ) {
    this.setters = new Map(cluster.setters.map((setter) => [setter.seq, setter]));
    const kind = builtInKind(cluster.body);
    this.filled = kind === null ? null : filledIn(kind);
    this.applied = lastApplied(cluster.body) !== undefined;
  }

  /** null if the API server filled in all of it. */
  find(extra: Extra): Drift | null {
    return this.part(extra, false);
  }

  /** `counts`: true if somebody set its parent. */
  private part(extra: Extra, counts: boolean): Drift | null {
    const { value, at } = extra;
    if (isPassedOver(at) || this.isServerItem(extra)) return null;
    const filled = this.filled?.(at, value, extra.around) ?? 'unknown';
    if (!counts && filled === 'yes') return null;
    const counted = counts ? !this.isHidden(at) : this.isSet(extra, filled);
    const inside = this.members(extra, counted);
    if (isCollection(value) && sizeOf(value) > 0) {
      if (inside.size === 0) return null;
      return { value: keep(value, inside), at, inside: Array.isArray(value) ? renumber(inside) : inside };
    }
    return counted && (counts || !isCollection(value)) ? { value, at, inside } : null;
  }

  private members({ value, at, applied }: Extra, counts: boolean): Map<string, Drift> {
    const found = new Map<string, Drift>();
    const add = (key: string, member: Json, before: Json | undefined): void => {
      // A list that does not count itself may still contain items that somebody added.
      const item = Array.isArray(value) && this.ownerOf([...at, key]) !== this.ownerOf(at);
      const drift = this.part({ value: member, at: [...at, key], around: value, applied: before, item }, counts);
      if (drift !== null) found.set(key, drift);
    };
    if (Array.isArray(value)) {
      const before = Array.isArray(applied) ? applied : [];
      const sent = pairWanted(at.at(-1) ?? '', before, value);
      for (const [place, item] of value.entries()) add(String(place), item, before[sent.indexOf(place)]);
    } else if (isObject(value)) {
      for (const [key, member] of Object.entries(value)) add(key, member, memberOf(applied, key));
    }
    return found;
  }

  private isSet({ value, at, applied, item }: Extra, filled: Filled): boolean {
    // It was applied, so applying the manifest would remove it.
    if (applied !== undefined) return true;
    if (this.isHidden(at)) return false;
    if (item || this.isFree(at)) return true;
    if (filled === 'other') return true;
    const around = this.ownerOf(at.slice(0, -1));
    const owner = this.ownerOf(at);
    // Kubernetes' own defaults have few lists, and those are known.
    if (Array.isArray(value) && this.filled !== null && filled === 'unknown') return true;
    return owner !== around && !this.isOfApply(owner);
  }

  /** An apply sets what is in its annotation and nothing else: the rest was filled in. */
  private isOfApply(seq: number): boolean {
    return this.applied && this.setters.get(seq)?.manager === 'kubectl-client-side-apply';
  }

  private ownerOf(at: readonly string[]): number {
    return ownerAt(this.cluster.owners, at).seq;
  }

  private isHidden(at: readonly string[]): boolean {
    const setter = this.setters.get(this.ownerOf(at));
    if (setter === undefined) return false;
    const { actor, manager, managersHint } = setter;
    if (actor === null)
      return managersHint.length > 0 && managersHint.every((name) => CONTROL_PLANE_MANAGERS.has(name));
    return (isControlPlane(actor.username) && !manager.startsWith('kubectl')) || this.hides(setter);
  }

  /** A key of a map in which keys are anybody's own. */
  private isFree(at: readonly string[]): boolean {
    const map = at.at(-2) ?? '';
    if (map === 'labels' || map === 'annotations') return at.at(-3) === 'metadata';
    if (this.filled === null) return false;
    return FREE_MAPS.has(map) || (map === 'selector' && this.cluster.body.kind === 'Service');
  }

  /** What the API server's own admission adds to lists. */
  private isServerItem({ value, at }: Extra): boolean {
    const list = at.at(-2);
    if (list === 'finalizers') return typeof value === 'string' && FINALIZERS.has(value);
    if (this.cluster.body.kind !== 'Pod' || !isObject(value)) return false;
    if (list === 'volumes') return typeof value.name === 'string' && value.name.startsWith('kube-api-access-');
    if (list === 'volumeMounts') return value.mountPath === '/var/run/secrets/kubernetes.io/serviceaccount';
    return (
      list === 'tolerations' &&
      /^node\.kubernetes\.io\/(?:not-ready|unreachable)$/.test(typeof value.key === 'string' ? value.key : '')
    );
  }
}

/** Parts that nobody sets in a manifest: status, metadata that the API server keeps, annotations of controllers and kubectl. */
export function isPassedOver(at: readonly string[]): boolean {
  const [first, second] = at;
  if (first === 'status') return true;
  if (first === 'metadata' && at.length === 2) return isServerSet(`metadata.${second}`);
  if (at.at(-1) === 'creationTimestamp' && at.at(-2) === 'metadata') return true;
  const map = at.at(-2);
  return at.at(-3) === 'metadata' && (map === 'annotations' || map === 'labels') && isServerNote(at.at(-1) ?? '');
}

function isCollection(value: Json): value is Json[] | JsonObject {
  return Array.isArray(value) || isObject(value);
}

function sizeOf(value: Json[] | JsonObject): number {
  return Array.isArray(value) ? value.length : Object.keys(value).length;
}

/** The parts inside alone. */
function keep(value: Json, inside: ReadonlyMap<string, Drift>): Json {
  if (Array.isArray(value)) return [...inside.values()].map((drift) => drift.value);
  return Object.fromEntries([...inside].map(([key, drift]) => [key, drift.value]));
}

/** By their indexes in the remaining list. */
function renumber(inside: ReadonlyMap<string, Drift>): Map<string, Drift> {
  return new Map([...inside.values()].map((drift, place) => [String(place), drift]));
}
