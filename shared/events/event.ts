import { KubeblameError } from '../errors.ts';
import { isObject, memberOf } from '../json.ts';
import { metadataText } from '../normalise.ts';
import type { Json, JsonObject } from '../types.ts';

/*
 * Kubernetes Events: what a component reports about an object. An Event is one object of the API server, whether it is read as core/v1
 * or as events.k8s.io/v1; here it always has the form of core/v1. When the same thing happens again, its count grows.
 */

/** The object that an Event is about, as the Event names it. It need not exist. */
export interface EventTarget {
  /** '' for the core group. */
  group: string;
  /** `v1`, `apps/v1`; '' where the Event does not say. */
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
  /** '' where the Event does not say. */
  uid: string;
  /** The part of the object: `spec.containers{nginx}`; '' for the whole. */
  fieldPath: string;
}

/** What one state of an Event says. Times in ms. */
export interface EventFacts {
  uid: string;
  /** The Event's own: that of its object, and `default` for an object in none. */
  namespace: string;
  name: string;
  about: EventTarget;
  /** `Normal` or `Warning`. */
  type: string;
  reason: string;
  message: string;
  /** The component that reports: `kubelet`, `replicaset-controller`; '' where it is not said. */
  reporter: string;
  firstAt: number;
  /** When it happened last, in this state. */
  lastAt: number;
  /** How often it has happened, up to this state. */
  count: number;
  /** resourceVersion; '' where there is none. */
  version: string;
}

/**
 * An Event in the form of core/v1, without managedFields, as it is stored. Throws KubeblameError object-invalid where it is no Event, has
 * no uid, or tells no time.
 */
export function readEvent(object: JsonObject): JsonObject {
  if (object.kind !== 'Event' || !EVENT_VERSIONS.has(text(object.apiVersion))) {
    throw new KubeblameError('object-invalid', 'not an Event of v1 or events.k8s.io/v1');
  }
  const core = object.apiVersion === 'v1' ? object : asCore(object);
  const { managedFields: _, ...metadata } = isObject(core.metadata) ? core.metadata : {};
  const event = { ...core, metadata };
  if (metadataText(event, 'uid') === '') throw new KubeblameError('object-invalid', 'an Event without metadata.uid');
  if (Number.isNaN(eventFacts(event).lastAt)) {
    throw new KubeblameError('object-invalid', 'an Event that does not tell when it happened');
  }
  return event;
}

const EVENT_VERSIONS = new Set(['v1', 'events.k8s.io/v1', 'events.k8s.io/v1beta1']);

/** What events.k8s.io calls what core/v1 has: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ */
const CORE_NAMES: Record<string, string> = {
  regarding: 'involvedObject',
  note: 'message',
  reportingController: 'reportingComponent',
  deprecatedCount: 'count',
  deprecatedFirstTimestamp: 'firstTimestamp',
  deprecatedLastTimestamp: 'lastTimestamp',
  deprecatedSource: 'source',
};

function asCore(event: JsonObject): JsonObject {
  const members = Object.entries(event).map(([name, value]): [string, Json] => [CORE_NAMES[name] ?? name, value]);
  return { ...Object.fromEntries(members), apiVersion: 'v1' };
}

/** What an Event says, in the form that readEvent() gives. lastAt is NaN where it tells no time. */
export function eventFacts(event: JsonObject): EventFacts {
  const { involvedObject, series, count } = event;
  const about = isObject(involvedObject) ? involvedObject : {};
  const created = time(metadataText(event, 'creationTimestamp'));
  const eventTime = time(event.eventTime);
  const firstAt = orElse(time(event.firstTimestamp), orElse(eventTime, created));
  const lastAt = orElse(time(memberOf(series, 'lastObservedTime')), orElse(time(event.lastTimestamp), firstAt));
  const apiVersion = text(about.apiVersion);
  const counted = memberOf(series, 'count') ?? count;
  return {
    uid: metadataText(event, 'uid'),
    namespace: metadataText(event, 'namespace'),
    name: metadataText(event, 'name'),
    about: {
      group: apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '',
      apiVersion,
      kind: text(about.kind),
      namespace: text(about.namespace),
      name: text(about.name),
      uid: text(about.uid),
      fieldPath: text(about.fieldPath),
    },
    type: text(event.type),
    reason: text(event.reason),
    message: text(event.message),
    reporter: text(event.reportingComponent) || text(memberOf(event.source, 'component')),
    firstAt: Number.isNaN(firstAt) ? lastAt : firstAt,
    lastAt,
    count: typeof counted === 'number' && counted > 0 ? counted : 1,
    version: metadataText(event, 'resourceVersion'),
  };
}

const WHOLE = /^\d{1,15}$/;

/**
 * Which of two states of an Event is the newer one: below 0 where it is `b`. By resourceVersion, where both have one that is a number
 * (KEP-5504: they may be compared); otherwise by the count, then by the time.
 */
export function compareStates(a: EventFacts, b: EventFacts): number {
  if (WHOLE.test(a.version) && WHOLE.test(b.version)) return Number(a.version) - Number(b.version);
  return a.count - b.count || a.lastAt - b.lastAt;
}

/** The id of an Event among those of all clusters. */
export function globalEventId(cluster: string, uid: string): string {
  return `${cluster}:${uid}`;
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function time(value: Json | undefined): number {
  return typeof value === 'string' ? Date.parse(value) : Number.NaN;
}

function orElse(ms: number, otherwise: number): number {
  return Number.isNaN(ms) ? otherwise : ms;
}
