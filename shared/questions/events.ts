import type { EventFacts, EventTarget } from '../events/event.ts';
import type { JsonObject, ObjectRef } from '../types.ts';
import { SINCE, UNTIL } from './changes.ts';
import { codec, fail, flag, limit, texts, type Limits, type Query } from './parameters.ts';
import type { LimitedQuestion } from './question.ts';
import { scope, type Denied } from './scope.ts';
import { CONTINUE } from './states.ts';

const LIMITS: Limits = { fallback: 50, max: 1000 };

const PARAMETERS = {
  /** What the Events are about; `namespace` is the Event's own. Labels are not asked for. */
  scope,
  since: SINCE,
  /** What is told of an Event is told as of this time. */
  until: UNTIL,
  types: texts('type', 'Only Events of this type: `Normal` or `Warning`.'),
  uids: texts('uid', 'Only Events about the object of this uid.'),
  owned: flag('owned', 'Also Events about what the objects of the scope control: the pods of a Deployment.'),
  related: flag('related', 'Also what the object belongs to: its owner, application and composition.'),
  steps: flag('steps', 'Also each step of the count, with its time.'),
  whole: flag('whole', 'Also the whole Event, in the form of core/v1.'),
  limit: limit(LIMITS),
  continue: CONTINUE,
};
export type EventQuery = Query<typeof PARAMETERS>;

/** A step of the count of an Event. */
export interface EventStep {
  at: number;
  count: number;
  /** Where it is another one than before. */
  message?: string;
}

/** A Kubernetes Event, as of the end of the time that is asked for. Times in ms. */
export interface RecordedEvent extends Omit<EventFacts, 'about' | 'version'> {
  /** CLUSTER:UID, which is another one in every cluster. */
  id: string;
  /** What it is about. `resource` is '' where the ledger knows no type of that kind. */
  object: EventTarget & { resource: string };
  /** How often it happened within the time that is asked for. */
  countIn: number;
  /** States of it that were not kept by themselves, since there were too many. */
  merged: number;
  /** When the API server was seen to have it no more: Events expire there after an hour. */
  goneAt: number | null;
  /** With `steps`. */
  steps?: EventStep[];
  /** With `whole`; absent where its state of then is not known. */
  event?: JsonObject;
  /** With `related`: the controller at the end of the chain of its object. */
  owner?: ObjectRef;
  application?: string;
  /** The composition that the object was made for: of Krateo its id, of Crossplane the name of the composite resource. */
  composition?: string;
  /** Always: the change that asked for what was never persisted, and that the Event tells of. */
  attempt?: number;
}

/** Events of a storm, which were only counted: within an hour, about one object, or (`kind` is '') about several of a namespace. */
export interface EventSum {
  namespace: string;
  group: string;
  kind: string;
  name: string;
  uid: string;
  type: string;
  /** '' where there were several. */
  reason: string;
  /** Times that the API server showed one of them. */
  events: number;
  firstAt: number;
  lastAt: number;
  /** Of the last one. */
  message: string;
}

export interface EventPage {
  /** The one that happened last first. */
  events: RecordedEvent[];
  /** Pass as `continue` for the next page; null at the end. */
  next: string | null;
  /** On the first page: what was only counted. */
  sums: EventSum[];
  /** Not all Events that ended before this time are there any more; 0 where none was given up. */
  keptFrom: number;
  denied?: Denied;
}

export const events: LimitedQuestion<EventQuery, EventPage> = {
  about: 'Kubernetes Events, the one that happened last first',
  codec: codec(PARAMETERS, ({ scope: { labels }, types = [] }) => {
    if (labels !== undefined) fail('labels', 'is not asked for here');
    const odd = types.find((type) => type !== 'Normal' && type !== 'Warning');
    if (odd !== undefined) fail('type', 'must be Normal or Warning');
  }),
  limits: LIMITS,
  // The right on Events is one of its own: whoever has it sees them, whatever they are about. Their owners are of other types.
  reads: {
    of: 'objects',
    scope: ({ scope: { namespace, of } }) => ({
      scope: {
        type: { group: '', resource: 'events' },
        ...(namespace === undefined ? {} : { namespace }),
        ...(of === undefined ? {} : { of }),
      },
      otherTypes: true,
    }),
    denied: 'objects',
  },
};
