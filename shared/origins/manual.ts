import type { Actor, Delta, Denied, ObjectRef, Outcome, Origin } from '../types.ts';

/** What became of something that a person set by hand. */
export type Fate =
  /** It is still as the person left it, and the tool would have it otherwise. */
  | 'open'
  /** The tool has set it back. */
  | 'taken back'
  /** A person has set it back. */
  | 'undone'
  /** It was set to something else since. */
  | 'replaced'
  /** The tool has delivered the object since, and left it: Git says the same now. */
  | 'adopted'
  /** The tool has never set it. */
  | 'not set by the tool'
  /** An autoscaler sets it. */
  | 'autoscaled'
  /** The object has gone since. */
  | 'gone';

/** The change that decided what became of something. */
export interface Decider {
  seq: number;
  at: number;
  actor: Actor | null;
  origin?: Origin;
}

/** One thing that a person set. */
export interface ManualField extends Delta {
  fate: Fate;
  /** null where nothing has happened to it since. */
  by: Decider | null;
}

/** What of a tool a person switched off. */
export type Switch = 'automatic sync switched off' | 'self-heal switched off' | 'suspended' | 'deleted';

/** The tool that manages an object, and what of it: an Application, a release. */
export interface Manager {
  tool: string;
  application: string;
  /** '' where it is not known. */
  namespace: string;
}

/** A change by hand of something that a tool manages, or of the tool's own object. */
export interface ManualChange {
  seq: number;
  at: number;
  actor: Actor;
  object: ObjectRef;
  outcome: Outcome;
  effect: 'modified' | 'deleted';
  /** What manages the object; null for `switched`. */
  managedBy: Manager | null;
  /** Set where the change switches a tool off. */
  switched: Switch | null;
  /** What was set; for a deletion and a switch one with the path ''. */
  fields: ManualField[];
}

/** How many changes of a time were made by whom: together all that touched more than status. */
export interface ManualTotals {
  changes: number;
  /** By people, of what a tool manages, and what switches a tool off: the report. */
  byHand: number;
  /** By people, of what no tool manages. */
  unmanaged: number;
  byTools: number;
  byAutoscalers: number;
  /** By other robots: controllers, operators, service accounts. */
  byRobots: number;
  /** Seen by a list or watch only. */
  unknown: number;
}

export interface ManualPage {
  /** Switches first, then the rest; each newest first. */
  changes: ManualChange[];
  totals: ManualTotals;
  /** True where there were more than are told. */
  more: boolean;
  denied?: Denied;
}

/** True where somebody has to do something: a difference that is still there. */
export function isOpen({ fields }: ManualChange): boolean {
  return fields.some(({ fate }) => fate === 'open');
}

/** True for what sets the number or size of pods by itself. */
export function isAutoscaler(username: string): boolean {
  return /^system:serviceaccount:[^:]+:(?:horizontal-pod-autoscaler|vpa-(?:updater|recommender|admission-controller)|keda-operator|cluster-autoscaler)$/.test(
    username,
  );
}
