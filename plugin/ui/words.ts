import type { ObjectRef } from '../../shared/types.ts';

/** `05:07:06`, in the zone of the browser. */
export function clock(ms: number, withMs = false): string {
  return new Date(ms).toLocaleTimeString(
    'en-GB',
    withMs
      ? { hour12: false, fractionalSecondDigits: 3, hour: '2-digit', minute: '2-digit', second: '2-digit' }
      : { hour12: false },
  );
}

/** `30 Nov 2026, 13:20:04` */
export function dayAndClock(ms: number): string {
  return `${new Date(ms).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })}, ${clock(ms)}`;
}

/** `UTC`, `GMT+1`: which zone times are in. */
export function zone(ms: number): string {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' }).formatToParts(ms);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
}

export function idOf({ group, kind, namespace, name }: ObjectRef): string {
  return `object:${group}/${kind}/${namespace}/${name}`;
}

/** The parts of what idOf() makes. null for something else. */
export function objectIn(id: string): { group: string; kind: string; namespace: string; name: string } | null {
  const match = /^object:([^/]*)\/([^/]*)\/([^/]*)\/(.*)$/s.exec(id);
  return match === null
    ? null
    : { group: match[1] ?? '', kind: match[2] ?? '', namespace: match[3] ?? '', name: match[4] ?? '' };
}

/** `Deployment storefront/web` */
export function titleOf({ kind, namespace, name }: { kind: string; namespace: string; name: string }): string {
  return `${kind} ${namespace === '' ? name : `${namespace}/${name}`}`;
}

/** What of a box's id a person reads. */
export function boxTitle(id: string): string {
  const object = objectIn(id);
  return object === null ? id.slice(id.indexOf(':') + 1) : object.name;
}

/** A short form of a user: `argocd-application-controller` of a service account. */
export function shortWho(who: string): string {
  return who.replaceAll(/system:serviceaccount:[^: ]+:/g, '').replaceAll(/system:(?:node:)?/g, '');
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

const HUES = [212, 152, 28, 276, 340, 190, 48, 100, 245, 5];

/** A colour for a team: always the same. It is told in words too. */
export function hueOf(team: string): number {
  let hash = 7;
  for (const character of team) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  return HUES[hash % HUES.length] ?? 212;
}
