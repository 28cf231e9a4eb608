import type { JsonObject } from '../types.ts';
import { objectAt, textAt } from './argo.ts';

/** What a Kustomization or a HelmRelease of Flux says of its last reconciliation. Texts are '' where it says nothing. */
export interface FluxState {
  /** What was tried last, which may still be under way: `main@sha1:…`. */
  attempted: string;
  /** What was delivered last. */
  applied: string;
  /** When somebody asked for a reconciliation: the value of an annotation, which changes with each request. */
  requestedAt: string;
  suspended: boolean;
  path: string;
  /** A chart's name, of a HelmRelease. */
  chart: string;
  /** The object that says where the source is. */
  source: { kind: string; namespace: string; name: string };
}

const REQUESTED = 'reconcile.fluxcd.io/requestedAt';

/** Reads the body of a Kustomization (kustomize.toolkit.fluxcd.io) or HelmRelease (helm.toolkit.fluxcd.io). */
export function fluxState(body: JsonObject): FluxState {
  const reference = objectAt(body, 'spec', 'sourceRef') ?? objectAt(body, 'spec', 'chart', 'spec', 'sourceRef') ?? objectAt(body, 'spec', 'chartRef'); // prettier-ignore
  return {
    attempted: textAt(body, 'status', 'lastAttemptedRevision'),
    applied: textAt(body, 'status', 'lastAppliedRevision'),
    requestedAt: textAt(body, 'metadata', 'annotations', REQUESTED),
    suspended: objectAt(body, 'spec')?.suspend === true,
    path: textAt(body, 'spec', 'path').replace(/^\.\//, ''),
    chart: textAt(body, 'spec', 'chart', 'spec', 'chart'),
    source: {
      kind: textAt(reference, 'kind'),
      namespace: textAt(reference, 'namespace') || textAt(body, 'metadata', 'namespace'),
      name: textAt(reference, 'name'),
    },
  };
}

/** The commit, digest or version of a revision as Flux writes it: `main@sha1:COMMIT`, `main/COMMIT` (before 0.40), `6.5.0`. */
export function fluxRevision(revision: string): string {
  return /(?:@sha(?:1|256):|\/)([0-9a-f]{40,64})$/.exec(revision)?.[1] ?? revision;
}
