import type { Operation } from '../../../shared/types.ts';
import type { StoredChange } from '../../ledger/port/port.ts';

/** A line of the API server's audit log, as far as it tells what was persisted. */
export interface AuditEvent {
  auditID: string;
  stage: string;
  verb: string;
  requestURI: string;
  user: { username: string };
  impersonatedUser?: { username: string };
  objectRef?: { apiGroup?: string; resource?: string; namespace?: string; name?: string; subresource?: string };
  responseStatus?: { code: number };
  responseObject?: { kind?: string; metadata?: { name?: string; uid?: string; resourceVersion?: string } };
  requestReceivedTimestamp: string;
  stageTimestamp: string;
}

const VERBS: Record<Operation, string[]> = {
  CREATE: ['create', 'patch', 'update'],
  UPDATE: ['update', 'patch'],
  DELETE: ['delete', 'deletecollection'],
  CONNECT: ['connect', 'create', 'get'],
};
/** The clocks are one, but the log is written before the answer is. */
const SLACK_MS = 5;

/** The finished requests of a log that are no dry runs. */
export function finishedRequests(log: readonly AuditEvent[]): AuditEvent[] {
  return log.filter(({ stage, requestURI }) => stage === 'ResponseComplete' && !requestURI.includes('dryRun='));
}

export function succeeded(event: AuditEvent): boolean {
  return (event.responseStatus?.code ?? 500) < 300;
}

export function userOf(event: AuditEvent): string {
  return (event.impersonatedUser ?? event.user).username;
}

/** True where a change can be what a logged request asked for: by whom, on what, when. */
function mayBe(change: StoredChange, event: AuditEvent): boolean {
  const { object } = change;
  const ref = event.objectRef ?? {};
  const name = ref.name ?? event.responseObject?.metadata?.name;
  // A refused generateName has no name; a deletecollection has none for each.
  const named =
    name === object.name || (name === undefined && (event.verb === 'deletecollection' || !succeeded(event)));
  const inside = ref.namespace === undefined || ref.namespace === object.namespace || object.namespace === '';
  return (
    VERBS[change.operation].includes(event.verb) &&
    userOf(event) === change.actor?.username &&
    (ref.apiGroup ?? '') === object.group &&
    ref.resource === object.resource &&
    (ref.subresource ?? '') === change.subresource &&
    named &&
    inside &&
    change.at >= Date.parse(event.requestReceivedTimestamp) - SLACK_MS &&
    change.at <= Date.parse(event.stageTimestamp) + SLACK_MS
  );
}

/**
 * The API server's own word on every outcome: which requests succeeded. `changes` are those that ask for a state
 * (source `admission`), oldest first; `events` the finished requests.
 */
export class AuditJudge {
  private readonly requests = new Map<StoredChange, AuditEvent[]>();

  constructor(
    private readonly changes: readonly StoredChange[],
    events: readonly AuditEvent[],
  ) {
    for (const change of changes)
      this.requests.set(
        change,
        events.filter((event) => mayBe(change, event)),
      );
  }

  /** Changes whose outcome contradicts the log: committed although refused, dropped although it succeeded, or unasked. */
  disagreements(): StoredChange[] {
    return this.changes.filter((change) => {
      const possible = this.requestsOf(change);
      if (possible.length === 0) return true;
      if (change.outcome === 'committed') return !possible.some(succeeded);
      // Dropped: its request failed, or was run again after a conflict, and that run is the committed one.
      return possible.every(succeeded) && !this.changes.some((other) => this.isSecondRun(other, change));
    });
  }

  /** Committed changes whose version is not one that the API server answered with. */
  wrongVersions(): StoredChange[] {
    return this.changes.filter((change) => {
      if (change.outcome !== 'committed' || change.effect === 'deleted') return false;
      // Answered with a Status, or after a second step.
      if (change.operation === 'DELETE' || change.subresource === 'binding') return false;
      const versions = this.requestsOf(change)
        .filter(succeeded)
        .map((event) => event.responseObject?.metadata?.resourceVersion);
      return !versions.includes(change.resourceVersion);
    });
  }

  /** Requests that succeeded and were recorded, of which nothing is committed. */
  unanswered(): AuditEvent[] {
    const recorded = new Set([...this.requests.values()].flat().filter(succeeded));
    const committed = this.changes.filter(({ outcome }) => outcome === 'committed');
    return [...recorded].filter((event) => !committed.some((change) => this.requestsOf(change).includes(event)));
  }

  private requestsOf(change: StoredChange): AuditEvent[] {
    return this.requests.get(change) ?? [];
  }

  private isSecondRun(other: StoredChange, dropped: StoredChange): boolean {
    if (other.outcome !== 'committed') return false;
    const requests = this.requestsOf(other);
    return this.requestsOf(dropped).some((event) => succeeded(event) && requests.includes(event));
  }
}

/** A change in a line, for a test's message. */
export function changeLine({ seq, operation, subresource, object, outcome, resourceVersion }: StoredChange): string {
  const version = resourceVersion === '' ? '' : `@${resourceVersion}`;
  return `${seq} ${operation} ${object.resource}/${object.name} ${subresource} ${outcome}${version}`;
}
