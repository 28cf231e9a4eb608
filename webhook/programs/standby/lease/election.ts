import type { LeaseTiming } from './lease.ts';

/** Which Lease decides who answers reviews. */
export interface Election {
  namespace: string;
  name: string;
  /** Who we are: the pod's name. */
  identity: string;
  /** Whether that is a pod, which the Service finds by a label. */
  isPod: boolean;
  timing: ElectionTiming;
}

export interface ElectionTiming extends LeaseTiming {
  /** How long a stop waits for the standby to answer. */
  handOverMs: number;
  /** How long no review must have come before a stop ends: kube-proxy needs a moment to send them elsewhere. */
  quietMs: number;
  /** How long it waits for that at most. */
  quietWithinMs: number;
}

export const ELECTION_TIMING: ElectionTiming = {
  durationMs: 15_000,
  retryMs: 2_000,
  handOverMs: 15_000,
  quietMs: 2_000,
  quietWithinMs: 8_000,
};

/** What answers reviews in this server. */
export interface Answering {
  /** A number that moves with each review. */
  reviews: () => number;
  /** Takes in no more of what watches show: the reviews of it may be another server's. */
  stopWatching: () => Promise<void>;
  /** Lets clients open new connections: the Service sends these to another server. */
  sendAway: () => void;
}
