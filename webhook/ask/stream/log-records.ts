import { changeItem } from '../../../shared/change-item.ts';
import { stringifyJson } from '../../../shared/json.ts';
import { qualifiedName } from '../../../shared/resource-types.ts';
import { formatUtc } from '../../../shared/time.ts';
import type { Change, LedgerReader, ObjectRef, RecordedEvent } from '../../../shared/types.ts';
import type { LedgerStore } from '../../ledger/port/port.ts';
import { describeEvents } from '../questions/objects/events/events.ts';
import type { CommitBatch, CommitText } from './documents.ts';

/*
 * Changes and Kubernetes Events as log records, one each, for --otlp-logs. What has a name in OpenTelemetry's conventions, or in its
 * collector's own receiver of Events (k8seventsreceiver), has that name.
 */

/** Commits that are looked at in one read. */
const COMMITS = 64;
/** More than are ever written at once: what is written at once is read at once. */
const EVENTS = 2_000;

/** The changes of the commits after one, and which of them turned out never to have been persisted. As of commitBatch (documents.ts). */
export async function changeLogBatch(
  store: Pick<LedgerStore, 'commits'>,
  reader: LedgerReader,
  after: number,
  maxBytes: number,
): Promise<CommitBatch> {
  const batch: CommitBatch = { documents: [], through: after };
  for (const { id, at, afterSeq, lastSeq, outcomes } of await store.commits(after, COMMITS)) {
    const seqs = Array.from({ length: lastSeq - afterSeq }, (_, index) => afterSeq + 1 + index);
    const { changes } = seqs.length === 0 ? { changes: [] } : await reader.changes({ scope: {}, seqs, limit: seqs.length }); // prettier-ignore
    batch.documents.push(...changes.reverse().map(changeRecord));
    for (const { seq, outcome, reason } of outcomes) {
      if (outcome === 'dropped') batch.documents.push(droppedRecord(seq, reason, at));
    }
    batch.through = id;
    if (batch.documents.reduce((sum, { text }) => sum + text.length, 0) >= maxBytes) break;
  }
  return batch;
}

/** The Events that were written after a batch, each as it is now, with what its object belongs to. */
export async function eventLogBatch(store: LedgerStore, now: () => number, after: number): Promise<CommitBatch> {
  const { events, through } = await store.eventsWritten(after, EVENTS);
  if (events.length === 0) return { documents: [], through };
  const described = await describeEvents({ store, now, closing: new AbortController().signal }, events);
  return { documents: described.map((event) => eventRecord(event, store.cluster)), through };
}

function changeRecord(change: Change): CommitText {
  const { seq, at, actor, manager, operation, subresource, outcome, source, object } = change;
  return {
    at,
    text: stringifyJson(changeItem(change)),
    record: {
      name: 'kubeblame.change',
      severity: outcome === 'dropped' ? 'WARN' : 'INFO',
      attributes: {
        ...objectAttributes(object),
        'user.name': actor?.username ?? '',
        'kubeblame.change.id': seq,
        'kubeblame.change.operation': subresource === '' ? operation : `${operation}/${subresource}`,
        'kubeblame.change.manager': manager,
        'kubeblame.change.outcome': outcome,
        'kubeblame.change.source': source,
      },
    },
  };
}

function droppedRecord(seq: number, reason: string, at: number): CommitText {
  return {
    at,
    text: `change ${seq} was never persisted: ${reason}`,
    record: {
      name: 'kubeblame.outcome',
      severity: 'WARN',
      attributes: { 'kubeblame.change.id': seq, 'kubeblame.change.outcome': 'dropped' },
    },
  };
}

function eventRecord(event: RecordedEvent, cluster: string): CommitText {
  const { id, uid, namespace, name, object, type, reason, message, reporter, firstAt, lastAt, count } = event;
  const { owner, application, composition, attempt } = event;
  return {
    at: lastAt,
    text: message,
    record: {
      name: 'k8s.event',
      severity: type === 'Warning' ? 'WARN' : 'INFO',
      attributes: {
        ...objectAttributes(object),
        'k8s.cluster.name': cluster,
        'k8s.object.api_version': object.apiVersion,
        'k8s.object.fieldpath': object.fieldPath,
        'k8s.event.name': name,
        'k8s.event.uid': uid,
        'k8s.event.reason': reason,
        'k8s.event.count': count,
        'k8s.event.start_time': formatUtc(firstAt),
        'k8s.event.reporter': reporter,
        'k8s.namespace.name': namespace,
        'kubeblame.event.id': id,
        ...(owner === undefined
          ? {}
          : { 'kubeblame.owner': `${qualifiedName(owner)}/${owner.name}`, 'kubeblame.owner.uid': owner.uid }),
        ...(application === undefined ? {} : { 'kubeblame.application': application }),
        ...(composition === undefined ? {} : { 'kubeblame.composition': composition }),
        ...(attempt === undefined ? {} : { 'kubeblame.change.id': attempt }),
      },
    },
  };
}

function objectAttributes({ kind, namespace, name, uid }: Pick<ObjectRef, 'kind' | 'namespace' | 'name' | 'uid'>) {
  return {
    'k8s.object.kind': kind,
    'k8s.object.name': name,
    'k8s.object.uid': uid,
    'k8s.namespace.name': namespace,
  };
}
