import type { PatternOptions } from '../../../../shared/redact-patterns.ts';
import type { RedactionRule } from '../../../../shared/redaction-rules.ts';
import type { Predicate } from '../../rules/predicates.ts';
import type { Address } from '../../../platform/http/listener.ts';
import type { CallerProof } from '../endpoint/callers.ts';
import type { Collector } from '../../../platform/telemetry/collector.ts';
import type { SpoolOptions } from '../../spool/spool.ts';
import type { Trust } from '../endpoint/origins.ts';
import type { Failure } from '../../../platform/threads/threads.ts';

/*
 * What the thread of the admission endpoint is told, and what it tells: gate.ts is the one side, gate-thread.ts the other.
 */

/** With what the endpoint proves itself, and how it knows its callers. */
export interface Credentials {
  tls: {
    cert: string | Uint8Array;
    key: string | Uint8Array;
    requestCert?: boolean;
    rejectUnauthorized?: boolean;
    ca?: Uint8Array;
  };
  pathSecrets: readonly string[];
}

/** With what the thread begins. */
export interface GateData {
  address: Address;
  by: CallerProof['by'];
  proof: Credentials;
  trust: Trust;
  rules: readonly Predicate[];
  redaction: { key: Uint8Array; rules: readonly RedactionRule[]; patterns: PatternOptions };
  spool: Omit<SpoolOptions, 'durable'>;
  /** Of Progress, and of Clock. */
  progress: SharedArrayBuffer;
  clock: SharedArrayBuffer;
  collector: Collector | null;
  /** How long the API server waits for an answer (ms). */
  patienceMs: number;
}

/** What a thread of the server answers besides: the rest of the endpoint's surface. */
export interface Page {
  status: number;
  type: string;
  text: string;
}

export type GateRequest =
  | { do: 'set credentials'; proof: Credentials }
  /** Reviews may come from there. */
  | { do: 'trust'; trust: Trust }
  | { do: 'taken'; through: number }
  | { do: 'answer'; id: number; page: Page }
  /** Others answer, too: whoever asks here is to open a new connection next time. */
  | { do: 'send away' }
  | { do: 'drain' };

export type GateReport =
  | { is: 'listening'; address: Address }
  | { is: 'not listening'; failure: Failure }
  | { is: 'credentials set' }
  /** The spool has something, and the intake slept. */
  | { is: 'spooled' }
  /**
   * Of reviews that were answered since the last one: seconds of each, how many were not for the ledger, how many values each
   * configured path has redacted, and how many came from addresses that are no API server's.
   */
  | {
      is: 'answered';
      seconds: number[];
      'dry-run': number;
      excluded: number;
      redacted: number[];
      elsewhere: [address: string, reviews: number][];
    }
  | { is: 'lost'; failure: Failure; uid: string }
  | { is: 'refused'; failure: Failure }
  /** `review`: it knew the proof, and came from elsewhere. */
  | { is: 'turned away'; failure: Failure; from: string; review: boolean }
  /** Nobody answered for so long (ms), until then (ms). */
  | { is: 'stalled'; ms: number; to: number }
  | { is: 'asked'; id: number; method: string; path: string };
