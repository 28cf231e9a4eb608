import { deltas } from '../delta.ts';
import type { Delta, Difference, JsonObject, LedgerReader, ObjectRef } from '../types.ts';
import type { Member } from './applications.ts';
import { permissionsIn, type Permission } from './permissions.ts';
import type { RulesQuery } from './recorded-rules.ts';
import type { Graph, GraphNode, Relation } from './types.ts';

/** What an object of an application differs in, and who changed it in between. */
export interface ObjectDifference {
  object: ObjectRef;
  /** `recreated`: another object of the same name. */
  what: 'created' | 'deleted' | 'changed' | 'recreated';
  /** Empty for whole objects. */
  deltas: Delta[];
  users: string[];
  /** Those of them of whom one of these changes is disputed; absent where none is. */
  disputed?: string[];
}

/** An edge that only one of two moments has. */
export interface EdgeDifference {
  kind: 'gained' | 'lost';
  relation: Relation;
  from: GraphNode;
  to: GraphNode;
}

/** What an account of the application may do by a binding, at only one of two moments. */
export interface PermissionDifference extends Permission {
  kind: 'gained' | 'lost';
}

export interface ApplicationDifference {
  objects: ObjectDifference[];
  /** Fields of workloads that an autoscaler sets. */
  scaled: ObjectDifference[];
  edges: EdgeDifference[];
  exposed: { gained: string[]; lost: string[] };
  permissions: PermissionDifference[];
  /** What differs too, and is left out: objects that others control, and objects with nothing but status and generated fields. */
  folded: { controlled: number; generated: number };
  denied: string[];
}

export interface DifferenceOf {
  application: string;
  /** ms */
  from: number;
  to: number;
  rules: RulesQuery;
}

/** What an application differs in between two moments, without what changes with every rollout. Rejects with what the reader rejects with. */
export async function differenceOf(
  reader: LedgerReader,
  { application, from, to, rules }: DifferenceOf,
): Promise<ApplicationDifference> {
  const denied = new Set<string>();
  const asked = { name: application, ...rules };
  const pages = [await reader.applications({ at: from, ...asked }), await reader.applications({ at: to, ...asked })];
  const [before, after] = pages.map(({ applications: [each] }) => each);
  const members = new Map<string, ObjectRef>();
  for (const each of [before, after]) for (const { object } of each?.members?.filter(isOwn) ?? []) members.set(object.uid, object); // prettier-ignore
  const graphs = [await reader.graph({ at: from }), await reader.graph({ at: to })];
  const found: ObjectDifference[] = [];
  const controlled = new Set([before, after].flatMap((each) => each?.members?.filter((member) => !isOwn(member)) ?? []).map(({ object }) => object.uid)); // prettier-ignore
  const allowed = graphs.map((graph) => permissionsIn(graph, members));
  // Roles that accounts of the application are bound to tell what it may do, whosoever they are.
  const told = new Map([...members, ...allowed.flat().map(({ role }) => [role.uid, role] as const)]);
  const folded = { controlled: 0, generated: 0 };
  for (const namespace of new Set([...told.values()].map((object) => object.namespace))) {
    const all = await differencesIn(reader, namespace, { from, to }, denied);
    folded.controlled += all.filter(({ object }) => controlled.has(object.uid) && !told.has(object.uid)).length;
    for (const each of joined(all.filter(({ object }) => told.has(object.uid)))) {
      const own = ownDifference(each);
      if (own.length === 0) folded.generated++;
      found.push(...own);
    }
  }
  for (const { denied: types = [] } of [...pages, ...graphs]) for (const type of types) denied.add(type);
  const scaled = scaledIn(graphs);
  const isScaled = ({ object }: ObjectDifference): boolean => scaled.has(object.uid);
  return {
    objects: found.flatMap((each) => (isScaled(each) ? only(each, (path) => path !== REPLICAS) : [each])),
    scaled: found.flatMap((each) => (isScaled(each) ? only(each, (path) => path === REPLICAS) : [])),
    edges: edgesBetween(graphs, members),
    exposed: {
      gained: (after?.exposed ?? []).filter((host) => before?.exposed.includes(host) !== true),
      lost: (before?.exposed ?? []).filter((host) => after?.exposed.includes(host) !== true),
    },
    permissions: permissionsBetween(allowed),
    folded,
    denied: [...denied].sort(),
  };
}

/** What others control has generated names, and says nothing that its controller does not. */
function isOwn({ application }: Member): boolean {
  return !application.by.startsWith('owner ');
}

const PAGE = 500;

async function differencesIn(
  reader: LedgerReader,
  namespace: string,
  span: { from: number; to: number },
  denied: Set<string>,
): Promise<Difference[]> {
  const found: Difference[] = [];
  for (let next: string | null | undefined; next !== null;) {
    const scope = namespace === '' ? {} : { namespace };
    const page = await reader.differences({ scope, ...span, limit: PAGE, ...(next === undefined ? {} : { continue: next }) }); // prettier-ignore
    found.push(...page.differences.filter(({ object }) => object.namespace === namespace));
    for (const type of page.denied ?? []) denied.add(type);
    next = page.next;
  }
  return found;
}

const REPLICAS = 'spec.replicas';

/** What changes with every rollout, or only follows from other fields. */
const NOISE =
  /^(?:status|metadata\.(?:generation|uid|creationTimestamp|resourceVersion|managedFields|deletionTimestamp|deletionGracePeriodSeconds|finalizers))(?:[.[]|$)/;

/** An object that was deleted and made again: what both differ in. */
function joined(differences: readonly Difference[]): (Difference & { recreated: boolean })[] {
  const byName = new Map<string, Difference & { recreated: boolean }>();
  for (const each of differences) {
    const key = keyOf({ is: 'object', object: each.object, seen: true });
    const known = byName.get(key);
    if (known === undefined) byName.set(key, { ...each, recreated: false });
    else {
      const users = [...new Set([...known.users, ...each.users])];
      const disputed = [...new Set([...(known.disputed ?? []), ...(each.disputed ?? [])])];
      byName.set(key, { object: each.after === null ? known.object : each.object, before: known.before ?? each.before, after: known.after ?? each.after, users, ...disputedOf(disputed), recreated: true }); // prettier-ignore
    }
  }
  return [...byName.values()];
}

function ownDifference({
  object,
  before,
  after,
  users,
  disputed = [],
  recreated,
}: Difference & { recreated: boolean }): ObjectDifference[] {
  // prettier-ignore
  if (before === null || after === null) return [{ object, what: before === null ? 'created' : 'deleted', deltas: [], users, ...disputedOf(disputed) }]; // prettier-ignore
  const own = deltas(withoutNoise(before), withoutNoise(after)).filter(({ path }) => !NOISE.test(path));
  const what = recreated ? 'recreated' : 'changed';
  return own.length === 0 && !recreated ? [] : [{ object, what, deltas: own, users, ...disputedOf(disputed) }];
}

function disputedOf(users: string[]): Pick<Difference, 'disputed'> {
  return users.length === 0 ? {} : { disputed: users };
}

/** A first annotation is told with the whole map: what is noise must be away before. */
function withoutNoise(body: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(body).flatMap(([key, value]) => {
      if (NOISE.test(key)) return [];
      return [[key, value !== null && typeof value === 'object' && !Array.isArray(value) ? pruned(value) : value]];
    }),
  );
}

const NOISY_KEYS = new Set([
  'deployment.kubernetes.io/revision',
  'kubectl.kubernetes.io/last-applied-configuration',
  'kubectl.kubernetes.io/restartedAt',
  'pod-template-hash',
]);

function pruned(value: JsonObject): JsonObject {
  const kept: JsonObject = {};
  for (const [key, child] of Object.entries(value)) {
    if (NOISY_KEYS.has(key)) continue;
    if (child === null || typeof child !== 'object' || Array.isArray(child)) kept[key] = child;
    else {
      const inner = pruned(child);
      // Annotations that were nothing but noise are as none.
      if (Object.keys(inner).length > 0 || Object.keys(child).length === 0) kept[key] = inner;
    }
  }
  return kept;
}

function only(each: ObjectDifference, wanted: (path: string) => boolean): ObjectDifference[] {
  if (each.what === 'created' || each.what === 'deleted') return wanted('') ? [each] : [];
  const kept = each.deltas.filter(({ path }) => wanted(path));
  return kept.length === 0 ? [] : [{ ...each, deltas: kept }];
}

/** The workloads that an autoscaler scales at one of the moments. */
function scaledIn(graphs: readonly Graph[]): Set<string> {
  const uids = graphs.flatMap(({ nodes, edges }) =>
    edges.flatMap(({ relation, to }) => {
      const node = nodes[to];
      return relation === 'scales' && node?.is === 'object' ? [node.object.uid] : [];
    }),
  );
  return new Set(uids);
}

function permissionsBetween(moments: readonly Permission[][]): PermissionDifference[] {
  const key = ({ account, role, binding }: Permission): string => [account, role, binding].map((object) => keyOf({ is: 'object', object, seen: true })).join(' '); // prettier-ignore
  const [before = new Map<string, Permission>(), after = new Map<string, Permission>()] = moments.map((each) => new Map(each.map((permission) => [key(permission), permission]))); // prettier-ignore
  const only = (these: Map<string, Permission>, others: Map<string, Permission>, kind: PermissionDifference['kind']) =>
    [...these].flatMap(([name, permission]) => (others.has(name) ? [] : [{ ...permission, kind }]));
  return [...only(before, after, 'lost'), ...only(after, before, 'gained')];
}

function edgesBetween(graphs: readonly Graph[], members: ReadonlyMap<string, ObjectRef>): EdgeDifference[] {
  const [before = new Map<string, EdgeDifference>(), after = new Map<string, EdgeDifference>()] = graphs.map((graph) => edgesOf(graph, members)); // prettier-ignore
  const missing = (
    edges: Map<string, EdgeDifference>,
    from: Map<string, EdgeDifference>,
    kind: EdgeDifference['kind'],
  ) =>
    // prettier-ignore
    [...edges].flatMap(([key, edge]) => (from.has(key) ? [] : [{ ...edge, kind }]));
  return [...missing(before, after, 'lost'), ...missing(after, before, 'gained')];
}

/** Edges from an application's own objects. Images are told by versions; pods, and what is owned, by who controls them. */
function edgesOf({ nodes, edges }: Graph, members: ReadonlyMap<string, ObjectRef>): Map<string, EdgeDifference> {
  const found = new Map<string, EdgeDifference>();
  for (const { relation, from, to } of edges) {
    const [source, target] = [nodes[from], nodes[to]];
    if (source?.is !== 'object' || target === undefined || !members.has(source.object.uid)) continue;
    const isPod = target.is === 'object' && (target.object.kind === 'Pod' || target.object.kind === 'Node');
    if (relation === 'owns' || target.is === 'image' || isPod) continue;
    found.set(`${keyOf(source)} ${relation} ${keyOf(target)}`, { kind: 'gained', relation, from: source, to: target }); // prettier-ignore
  }
  return found;
}

/** By name: an object that was made again is wired as before. */
function keyOf(node: GraphNode): string {
  if (node.is !== 'object') return `${node.is} ${node.name}`;
  const { group, kind, namespace, name } = node.object;
  return `${group}/${kind}/${namespace}/${name}`;
}
