import { believed, type Version } from '../../../../shared/versions.ts';
import { compareResourceVersions } from '../../../../shared/resource-version.ts';
import type { ObjectRef } from '../../../../shared/types.ts';
import {
  EXPLAINED_LATE,
  isExplained,
  type NewChange,
  type NewOutcome,
  type StoredChange,
} from '../../../ledger/port/port.ts';

/** One version of an object, with what is needed to recognise it. */
export interface HeadVersion extends Version {
  /** When it happened. */
  at: number;
  /** True where the object does not exist after it. */
  gone: boolean;
  /** null where it is gone, and where the body is not known: it is the one before it. */
  hash: Buffer | null;
  apiVersion: string;
  resourceVersion: string;
  baseResourceVersion: string;
  depth: number;
  /** From a fact (baseline, watch), not from a request. */
  observed: boolean;
  /** What it predicts may be inexact: the API server adds to it (a timestamp, a condition). */
  projected: boolean;
  /** It is as the API server showed it, which differs from what was asked for. */
  amended: boolean;
  /** A review that arrived late tells who made what a list or watch showed here. */
  explained: boolean;
}

/** How many versions behind the last one are remembered, for reviews that were made from them and arrive late. */
const PAST = 8;

/** The present of one object: its last committed version and the attempts since, newest first. Never changed, replaced. */
export interface ObjectHead {
  object: ObjectRef;
  versions: readonly HeadVersion[];
  /** The committed versions before those, newest first, as far as this process has seen and still remembers them. */
  past: readonly HeadVersion[];
}

/** A head with other versions. What lies behind the last committed one is needed only by who comes late. */
export function withVersions(head: ObjectHead, versions: readonly HeadVersion[]): ObjectHead {
  const tip = versions.findIndex(isCommitted);
  if (tip === -1) return { object: head.object, versions, past: head.past };
  const kept = versions.slice(0, tip + 1);
  const past: HeadVersion[] = [];
  const remember = (version: HeadVersion): void => {
    if (past.length < PAST && !has(kept, version) && !has(past, version)) past.push(version);
  };
  for (let index = tip + 1; index < versions.length; index++) {
    const version = versions[index];
    if (version !== undefined && isCommitted(version)) remember(version);
  }
  for (const version of head.versions) if (isCommitted(version)) remember(version);
  for (const version of head.past) remember(version);
  return { object: head.object, versions: kept, past };
}

function isCommitted(version: HeadVersion): boolean {
  return version.outcome === 'committed' && !version.late;
}

function has(versions: readonly HeadVersion[], { seq }: HeadVersion): boolean {
  return versions.some((version) => version.seq === seq);
}

export function headKey(object: ObjectRef): string {
  return `${nameKey(object)}\0${object.uid}`;
}

/** What all incarnations of an object have in common. */
export function nameKey({ group, resource, namespace, name }: Omit<ObjectRef, 'kind' | 'uid'>): string {
  return `${group}\0${resource}\0${namespace}\0${name}`;
}

export function sameName(a: ObjectRef, b: ObjectRef): boolean {
  return a.name === b.name && a.namespace === b.namespace && a.resource === b.resource && a.group === b.group;
}

export function versionOf(change: NewChange | StoredChange, outcome: Version['outcome']): HeadVersion {
  return {
    seq: change.seq,
    outcome,
    parent: change.parent,
    effect: change.effect,
    gone: change.effect === 'deleted',
    late: change.late,
    at: change.occurredAt ?? change.at,
    hash: change.hash,
    apiVersion: change.apiVersion,
    resourceVersion: change.resourceVersion,
    baseResourceVersion: change.baseResourceVersion,
    depth: change.depth,
    observed: change.source !== 'admission',
    projected:
      change.source === 'admission' &&
      (change.operation === 'DELETE' || change.subresource === 'scale' || change.subresource === 'binding'),
    amended: 'amended' in change && change.amended,
    explained: 'outcomeReason' in change && isExplained(change),
  };
}

/** A version with its outcome, and with what the API server made of it where the outcome tells that. */
export function settledBy(
  version: HeadVersion,
  { outcome, reason, resourceVersion, amendment }: NewOutcome,
): HeadVersion {
  const explained = version.observed && reason === EXPLAINED_LATE;
  const known = { ...version, outcome, explained, resourceVersion: resourceVersion || version.resourceVersion };
  if (amendment === undefined) return known;
  return { ...known, hash: amendment.hash, apiVersion: amendment.apiVersion, amended: true };
}

/** The last version that is known to have been persisted; null where none is. */
export function tipOf(head: ObjectHead): HeadVersion | null {
  return head.versions.find(isCommitted) ?? null;
}

/** The attempts that nothing has settled yet, oldest first. */
export function openOf(head: ObjectHead): HeadVersion[] {
  return head.versions.filter((version) => version.outcome === 'pending' && !version.late).reverse();
}

export function believedOf(head: ObjectHead): HeadVersion | null {
  return believed(head.versions);
}

/** True for a request to scale of which it is not known which field keeps the number. */
export function isUnknown(version: HeadVersion): boolean {
  return version.hash === null && version.effect === 'modified';
}

/** True where an attempt was made from an older version than this one, so that it is in it or never will be. */
export function madeBefore(version: HeadVersion, resourceVersion: string): boolean {
  return (
    version.baseResourceVersion === '' || compareResourceVersions(version.baseResourceVersion, resourceVersion) < 0
  );
}
