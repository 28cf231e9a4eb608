import type { Actor } from '../types.ts';

/** Where something that a tool delivers comes from. All parts are '' where they are not recorded. */
export interface OriginSource {
  /** URL of a Git or Helm repository, as the tool has it. */
  repository: string;
  /** The folder in the repository. */
  path: string;
  /** A chart's name and version: `checkout-1.5.0`. */
  chart: string;
  /** What was delivered: a commit of Git, the digest of an artifact, a chart's version. */
  revision: string;
  /** Where that can be looked at, by a rule; missing where no rule tells. */
  url?: string;
}

/** How a delivery began. `unknown`: nothing that was recorded tells. */
export type OriginMode = 'started' | 'automated' | 'self-heal' | 'unknown';

/**
 * What stands behind a change that a tool made: Argo CD, Flux, Helm, and others by their field manager. It is read from what the tool
 * itself has written in the cluster, and nothing else.
 */
export interface Origin {
  /** `Argo CD`, `Flux`, `Helm`, or as a rule calls it. */
  tool: string;
  /** The Application, Kustomization, HelmRelease, or release of Helm; '' where it is not known. */
  application: string;
  /** The namespace of that object, or of the release; '' where it is not known. */
  namespace: string;
  /** The first is the one that is told where there is room for one only; more for an Application with several sources. */
  sources: OriginSource[];
  /** The number of the release of Helm; null for other tools, and where it is not known. */
  helmRevision: number | null;
  mode: OriginMode;
  /** Who started it; '' where nobody is known. */
  startedBy: string;
  /** Whose user that is: `tool` for one of Argo CD's own, who need not be known to the cluster. */
  startedByOf: 'tool' | 'cluster' | '';
  /** The change that started it, or that tells of it; null where there is none. */
  by: number | null;
  /** Changes of people that this one takes back, oldest first. */
  takesBack: { seq: number; actor: Actor }[];
  /** False where the tool and its application are known, but other revisions or persons are possible, too. */
  certain: boolean;
  /** The evidence, for people. */
  why: string;
}
