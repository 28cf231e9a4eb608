import { labelsOf } from '../labels.ts';
import type { JsonObject } from '../types.ts';

/** A release of Helm, as the Secret that Helm keeps of it tells by its labels: what is in it is never recorded. */
export interface HelmRelease {
  name: string;
  revision: number;
  /** `deployed`, `superseded`, `pending-upgrade`, `pending-rollback`, `failed`, ... */
  status: string;
}

/** What the names of the Secrets of a release begin with (helm: pkg/storage/storage.go, makeKey). */
export function helmSecretPrefix(release: string): string {
  return `sh.helm.release.v1.${release}.v`;
}

/** Reads a Secret's labels; null where it is not of a release. */
export function helmRelease(secret: JsonObject): HelmRelease | null {
  const { owner, name, version, status = '' } = labelsOf(secret);
  const revision = Number(version);
  if (owner !== 'helm' || name === undefined || !Number.isInteger(revision) || revision < 1) return null;
  return { name, revision, status };
}
