import { KubeblameError } from '../errors.ts';
import type { ApplicationQuery, ChangeQuery, Scope } from '../questions/table.ts';
import type { Change, LedgerReader, ObjectRef } from '../types.ts';
import { ownerTitle } from './applications.ts';
import { Belongings } from './belongings.ts';
import { applicationEvidence, believe, firstOf, NAME_LABELS, TIERS } from './evidence.ts';
import { factsOf } from './facts.ts';
import { rulesFor, type RulesQuery } from './recorded-rules.ts';
import type { LandscapeRule } from './rule-for.ts';
import { RULES_CONFIG_MAP } from './rules.ts';
import type { ObjectFacts } from './types.ts';
import { isWorkload } from './units.ts';
import { contradictionOf, versionTupleOf, type VersionTuple } from './version-tuple.ts';

/** Which version of a workload ran from one moment to another. */
export interface ReleaseInterval {
  from: number;
  /** null: until the end of what was asked for. */
  to: number | null;
  version: VersionTuple;
  /** The label says another version than the image. */
  contradiction: { label: string; tag: string } | null;
  /** The change that began it; null: it was so before. */
  by: Pick<Change, 'seq' | 'at' | 'object' | 'actor' | 'manager' | 'source' | 'cause' | 'managersHint'> | null;
}

export interface WorkloadReleases {
  object: ObjectRef;
  /** Oldest first; in between it did not exist, or belonged to something else. */
  intervals: ReleaseInterval[];
}

export interface ReleasesQuery {
  application: string;
  /** ms */
  from: number;
  to: number;
  rules: RulesQuery;
  /** The present (ms): today's rules are those of then. */
  now: number;
}

export interface Releases {
  /** By namespace, kind and name. */
  workloads: WorkloadReleases[];
  /** Types that the reader may not read. */
  denied: string[];
}

/** Which versions an application's workloads had, and since when. Rejects with what the reader rejects with. */
export async function releasesOf(reader: LedgerReader, query: ReleasesQuery): Promise<Releases> {
  const denied = new Set<string>();
  const { namespaces, attached } = await placesOf(reader, query, denied);
  const scopes = await scopesOf(reader, namespaces);
  const world = new Map<string, ObjectFacts>();
  const changes: Change[] = [];
  for (const { scope, status } of scopes) {
    try {
      for (const each of await statesIn(reader, scope, query.from, denied)) world.set(each.object.uid, each);
      changes.push(...(await changesIn(reader, scope, status, query, denied)));
    } catch (error) {
      if (!(error instanceof KubeblameError) || error.code !== 'forbidden') throw error;
      denied.add(scope.type?.resource ?? '');
    }
  }
  changes.sort((a, b) => a.seq - b.seq);
  const rulesAt = await rulesOf(reader, query);
  const history = new History(query.application, rulesAt, attached);
  history.look(world, query.from, null);
  for (const change of changes) {
    const { object, after } = change;
    if (change.effect === 'none') continue;
    if (after === null || after === undefined) world.delete(object.uid);
    else world.set(object.uid, { object, facts: factsOf(after) });
    history.look(world, change.at, change);
  }
  return { workloads: history.tell(), denied: [...denied].sort() };
}

/** Where the application has or had objects; and its workloads that no label, only their use, makes its. */
async function placesOf(reader: LedgerReader, { application, from, to, rules }: ReleasesQuery, denied: Set<string>) {
  const [namespaces, attached] = [new Set<string>(), new Set<string>()];
  for (const at of new Set([from, to])) {
    const asked: ApplicationQuery = { at, name: application, ...rules };
    const page = await reader.applications(asked);
    for (const type of page.denied ?? []) denied.add(type);
    for (const { object, application: said } of page.applications[0]?.members ?? []) {
      if (object.namespace !== '') namespaces.add(object.namespace);
      if (said.tier === TIERS.user) attached.add(object.uid);
    }
  }
  return { namespaces: [...namespaces], attached };
}

/** Which rules hold at a moment. Those of then change with the ConfigMap that holds them. */
async function rulesOf(
  reader: LedgerReader,
  { rules: asked, from, to, now }: ReleasesQuery,
): Promise<(at: number) => readonly LandscapeRule[]> {
  if (asked.rulesThen !== true) {
    const { rules } = await rulesFor(asked, { at: to, now }, reader);
    return () => rules;
  }
  const { namespace, name } = RULES_CONFIG_MAP;
  const scope = { type: { group: '', resource: 'configmaps' }, namespace, names: [name] };
  const spans: { at: number; rules: readonly LandscapeRule[] }[] = [];
  const moments = [from, ...(await changesIn(reader, scope, false, { from, to }, new Set())).map(({ at }) => at)];
  for (const at of [...new Set(moments)].sort((a, b) => a - b)) spans.push({ at, ...(await rulesFor(asked, { at, now }, reader)) }); // prettier-ignore
  return (at) => spans.findLast((span) => span.at <= at)?.rules ?? [];
}

/** What tells versions and belonging: workloads, namespaces, and what delivers. */
const WORKLOADS = ['deployments', 'statefulsets', 'daemonsets', 'cronjobs', 'rollouts', 'scaledjobs', 'replicationcontrollers']; // prettier-ignore
const DELIVERERS = ['applications.argoproj.io', 'kustomizations.kustomize.toolkit.fluxcd.io', 'helmreleases.helm.toolkit.fluxcd.io', 'applications.app.k8s.io']; // prettier-ignore

/** Without a namespace everything is looked at: the application was there only in between. */
async function scopesOf(
  reader: LedgerReader,
  namespaces: readonly string[],
): Promise<{ scope: Scope; status: boolean }[]> {
  const places: Scope[] = namespaces.length === 0 ? [{}] : namespaces.map((namespace) => ({ namespace }));
  const scopes: { scope: Scope; status: boolean }[] = [];
  for (const { group, resource } of await reader.resources()) {
    const type = { group, resource };
    if (WORKLOADS.includes(resource)) scopes.push(...places.map((place) => ({ scope: { ...place, type }, status: false }))); // prettier-ignore
    if (group === '' && resource === 'secrets') scopes.push(...places.map((place) => ({ scope: { ...place, type, labels: 'owner=helm' }, status: false }))); // prettier-ignore
    if (group === '' && resource === 'namespaces') scopes.push({ scope: { type }, status: false });
    if (DELIVERERS.includes(`${resource}.${group}`)) scopes.push({ scope: { type }, status: true });
  }
  return scopes;
}

/** Items fetched at once. */
const PAGE = 500;

async function statesIn(reader: LedgerReader, scope: Scope, at: number, denied: Set<string>): Promise<ObjectFacts[]> {
  const found: ObjectFacts[] = [];
  for (let next: string | null | undefined; next !== null;) {
    const page = await reader.states({ scope, at, limit: PAGE, ...(next === undefined ? {} : { continue: next }) });
    for (const { object, body } of page.states) found.push({ object, facts: factsOf(body) });
    for (const type of page.denied ?? []) denied.add(type);
    next = page.next;
  }
  return found;
}

async function changesIn(
  reader: LedgerReader,
  scope: Scope,
  status: boolean,
  { from, to }: Pick<ReleasesQuery, 'from' | 'to'>,
  denied: Set<string>,
): Promise<Change[]> {
  const found: Change[] = [];
  const asked: ChangeQuery = { scope, since: from + 1, until: to, bodies: true, limit: PAGE, status };
  for (let before: number | null | undefined; before !== null;) {
    const page = await reader.changes({ ...asked, ...(before === undefined ? {} : { before }) });
    found.push(...page.changes);
    for (const type of page.denied ?? []) denied.add(type);
    before = page.next;
  }
  return found;
}

/**
 * What delivers writes its revision a moment before or after what it brings. Within this time both are one release: an image with the
 * revision before it is none of its own.
 */
const SETTLING_MS = 60_000;

class History {
  private readonly intervals = new Map<string, { object: ObjectRef; list: ReleaseInterval[] }>();

  constructor(
    private readonly application: string,
    private readonly rulesAt: (at: number) => readonly LandscapeRule[],
    private readonly attached: ReadonlySet<string>,
  ) {}

  /** What holds from a moment on; `change` made it so. */
  look(world: ReadonlyMap<string, ObjectFacts>, at: number, change: Change | null): void {
    const known = new Belongings(world.values());
    const there = new Set<string>();
    const rules = this.rulesAt(at);
    for (const each of world.values()) {
      const { object } = each;
      if (!isWorkload({ is: 'object', object, seen: true }) || known.controllerOf(each.facts) !== null) continue;
      if (this.applicationOf(each, known, rules) !== this.application) continue;
      there.add(object.uid);
      this.note(each, versionTupleOf(each, known), at, change);
    }
    for (const [uid, { list }] of this.intervals) {
      const last = list.at(-1);
      if (!there.has(uid) && last?.to === null) last.to = at;
    }
  }

  private applicationOf(each: ObjectFacts, known: Belongings, rules: readonly LandscapeRule[]): string | null {
    const own = believe(applicationEvidence(each, known, rules));
    if (own !== null) return own.value;
    if (this.attached.has(each.object.uid)) return this.application;
    return firstOf(known.namespaceOf(each.object), NAME_LABELS, TIERS.namespace)[0]?.value ?? null;
  }

  private note({ object }: ObjectFacts, version: VersionTuple, at: number, change: Change | null): void {
    const kept = this.intervals.get(object.uid) ?? { object, list: [] };
    this.intervals.set(object.uid, kept);
    const last = kept.list.at(-1);
    if (last?.to === null && sameTuple(last.version, version)) return;
    const contradiction = contradictionOf(version, object.name);
    const by = change === null ? null : makerOf(change);
    if (last?.to === null && at - last.from <= SETTLING_MS) {
      const before = kept.list.at(-2)?.version;
      const [sameContent, sameDelivery] = [sameTuple(contentOf(last.version), contentOf(version)), sameTuple(deliveryOf(last.version), deliveryOf(version))]; // prettier-ignore
      // None: Helm marks the old release as replaced before the new one as deployed.
      const isStale = [before ?? NOTHING, NOTHING].some((each) => sameTuple(deliveryOf(last.version), deliveryOf(each))); // prettier-ignore
      if (sameContent && isStale) {
        last.version = version;
        return;
      }
      const isAhead = before !== undefined && sameTuple(contentOf(before), contentOf(last.version));
      if (sameDelivery && isAhead) {
        const previous = kept.list.at(-2);
        if (previous?.to === last.from) previous.to = at;
        Object.assign(last, { from: at, version, contradiction, by });
        return;
      }
    }
    if (last?.to === null) last.to = at;
    kept.list.push({ from: at, to: null, version, contradiction, by });
  }

  tell(): WorkloadReleases[] {
    const found = [...this.intervals.values()].map(({ object, list }) => ({ object, intervals: list }));
    const key = ({ object }: WorkloadReleases): string => `${object.namespace}\n${ownerTitle(object)}\n${object.uid}`;
    return found.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }
}

const NOTHING: VersionTuple = { images: [] };

function makerOf({ seq, at, object, actor, manager, source, cause, managersHint }: Change): ReleaseInterval['by'] {
  return { seq, at, object, actor, manager, source, cause, managersHint };
}

/** What the workload itself says. */
function contentOf({ version, images, chart }: VersionTuple): VersionTuple {
  return { images, ...(version === undefined ? {} : { version }), ...(chart === undefined ? {} : { chart }) };
}

/** What others say of it. */
function deliveryOf({ helmRevision, revision }: VersionTuple): VersionTuple {
  return { images: [], ...(helmRevision === undefined ? {} : { helmRevision }), ...(revision === undefined ? {} : { revision }) }; // prettier-ignore
}

function sameTuple(a: VersionTuple, b: VersionTuple): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
