import { fluxRevision, fluxState, type FluxState } from '../../../../shared/origins/flux.ts';
import { textAt } from '../../../../shared/origins/argo.ts';
import type { Delivery } from '../../../../shared/landscape/evidence.ts';
import { labelsOf } from '../../../../shared/labels.ts';
import { isMachine } from '../../../../shared/machines.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import type { StoredChange } from '../../../ledger/port/port.ts';
import type { FoundOrigin } from '../origins.ts';
import type { ToolRecords, ToolState } from './tool-records.ts';

/** Flux writes what it delivered when it is done: its own default for the time that a reconciliation may take is shorter. */
const WITHIN_MS = 10 * 60_000;

const TYPES = {
  Kustomization: { group: 'kustomize.toolkit.fluxcd.io', resource: 'kustomizations' },
  HelmRelease: { group: 'helm.toolkit.fluxcd.io', resource: 'helmreleases' },
} as const;

const SOURCES: Readonly<Record<string, string>> = {
  GitRepository: 'gitrepositories',
  OCIRepository: 'ocirepositories',
  Bucket: 'buckets',
  HelmRepository: 'helmrepositories',
};

/** What a Kustomization or HelmRelease says that it delivered when Flux made a change; null where it says nothing. */
export async function fluxOrigin(
  change: StoredChange,
  body: JsonObject | null,
  { kind, name, namespace }: Delivery,
  records: ToolRecords,
): Promise<FoundOrigin | null> {
  if (kind !== 'Kustomization' && kind !== 'HelmRelease') return null;
  const { group, resource } = TYPES[kind];
  const [object, ...others] = await records.objects(group, resource, name, namespace);
  if (object === undefined || others.length > 0) return null;
  const before = await records.before(object, change.seq);
  const [written] = await records.after(object, change, WITHIN_MS);
  const told = written ?? before[0];
  if (told === undefined) return null;
  const state = fluxState(told.body);
  const revision = delivered(state, before[0], written !== undefined);
  if (revision === '') return null;
  const start = requested(before, state);
  return {
    namespace: object.namespace,
    sources: [await sourceOf(state, revision, change, body, records)],
    helmRevision: null,
    mode: start === null ? 'automated' : 'started',
    startedBy: start?.change.actor?.username ?? '',
    startedByOf: start === null ? '' : 'cluster',
    by: start?.change.seq ?? told.change.seq,
    certain: written !== undefined,
    why: written === undefined ? 'the revision that it delivered last' : 'the revision that it told of right after',
  };
}

/** What was being delivered: what is told right after, else what was being tried. */
function delivered({ attempted, applied }: FluxState, before: ToolState | undefined, after: boolean): string {
  if (after) return fluxRevision(attempted === '' ? applied : attempted);
  const state = before === undefined ? null : fluxState(before.body);
  return fluxRevision(state === null ? '' : state.attempted === '' ? state.applied : state.attempted);
}

/** The change of a person that asked for this reconciliation, and no earlier one; null where Flux came by itself. */
function requested(before: readonly ToolState[], { requestedAt }: FluxState): ToolState | null {
  if (requestedAt === '') return null;
  for (const [index, state] of before.entries()) {
    const older = before[index + 1];
    // What Flux tells of an earlier reconciliation stands between.
    if (state.change.statusOnly && fluxState(state.body).applied !== '' && fluxState(state.body).requestedAt === requestedAt) return null; // prettier-ignore
    if (older === undefined || fluxState(older.body).requestedAt === requestedAt) continue;
    return isMachine(state.change.actor?.username ?? 'system:') ? null : state;
  }
  return null;
}

async function sourceOf(
  { source, path, chart }: FluxState,
  revision: string,
  change: StoredChange,
  body: JsonObject | null,
  records: ToolRecords,
): Promise<FoundOrigin['sources'][number]> {
  const resource = SOURCES[source.kind];
  const [object] = resource === undefined ? [] : await records.objects('source.toolkit.fluxcd.io', resource, source.name, source.namespace); // prettier-ignore
  const [state] = object === undefined ? [] : await records.before(object, change.seq);
  const label = body === null ? '' : (labelsOf(body)['helm.sh/chart'] ?? '');
  return {
    repository: state === undefined ? source.name : textAt(state.body, 'spec', 'url') || source.name,
    path,
    chart: label === '' && chart !== '' ? `${chart}-${revision}` : label,
    revision,
  };
}
