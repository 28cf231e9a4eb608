import type { EventFacts } from '../../../shared/events/event.ts';
import type { JsonObject } from '../../../shared/types.ts';

/** An Event as the API server showed it. */
export interface ShownEvent {
  uid: string;
  /** In the form that readEvent() gives (shared/events/event.ts); null where only its end was shown. */
  event: JsonObject | null;
  /** When the API server was seen to have it no more (ms); null where it has it. That is no deletion: Events expire. */
  goneAt: number | null;
}

/** What of the Events is kept. */
export interface EventRetention {
  /** Events that happened last before this moment (ms) are given up. */
  keepFrom: number;
  /** Where they take more, the oldest are given up. */
  maxBytes: number;
}

/** What became of Events that were shown. */
export interface EventsTaken {
  /** Events that were new. */
  events: number;
  /** States of Events, also the first ones, that were new. */
  states: number;
  /** That were there already. */
  known: number;
  /** That were only counted: event-sums.ts. */
  summed: number;
  /** Old Events that were given up meanwhile. */
  removed: number;
}

/** Which Events to read. All given conditions must hold. */
export interface EventFilter {
  /** The Event's own. */
  namespace?: string;
  /** Only in these. */
  within?: readonly string[];
  /** Of the object that it is about. */
  group?: string;
  kind?: string;
  names?: readonly string[];
  uids?: readonly string[];
  /** `Normal`, `Warning`. */
  types?: readonly string[];
  /** That happened at some time not before (ms). */
  since?: number;
  /** That happened first not after (ms). */
  until?: number;
}

/** Where a page of Events ends: the last one on it. */
export interface EventPlace {
  lastAt: number;
  id: number;
}

/** An Event that is stored. `facts` are those of its last state that had happened by the end of what was asked for. */
export interface StoredEvent {
  id: number;
  facts: EventFacts;
  goneAt: number | null;
  /** States that were not kept by themselves. */
  merged: number;
  /** Its states so far, oldest first: whole Events, in the form of core/v1. None where it was first seen later. */
  states: JsonObject[];
}

/** Figures about all Events. */
export interface EventTotals {
  events: number;
  states: number;
  merged: number;
  summed: number;
  removed: number;
  /** Not all that happened last before this moment (ms) is there any more; 0 where nothing was given up. */
  horizonAt: number;
  bytes: number;
}
