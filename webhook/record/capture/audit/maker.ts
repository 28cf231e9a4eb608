import { fieldManager } from '../../../../shared/normalise.ts';
import type { JsonObject, ObjectRef } from '../../../../shared/types.ts';
import type { NewOutcome } from '../../../ledger/port/port.ts';
import type { Draft } from '../objects/draft.ts';
import { openOf, tipOf, type HeadVersion } from '../objects/object-head.ts';
import type { Maker } from '../outcomes/reconcile-fact.ts';
import type { AuditedRequest } from './audited-request.ts';
import { reviewsOf } from './matching.ts';

/** The request as the maker of a version. */
export async function makerOf(draft: Draft, request: AuditedRequest, object: ObjectRef): Promise<Maker> {
  const head = await draft.head(object);
  const open = new Set(openOf(head).map(({ seq }) => seq));
  const reviews = open.size === 0 ? [] : await reviewsOf(draft, request, object);
  const tip = tipOf(head);
  const before = tip === null ? [] : (draft.managedFields(tip.seq) ?? []);
  return {
    operation: request.operation,
    subresource: request.subresource,
    actor: request.actor,
    manager: fieldManager(request.options, [...before], [...(request.shown?.managedFields ?? [])]),
    baseResourceVersion: request.baseResourceVersion,
    options: withoutManager(request.options),
    own: new Set(reviews.filter(({ seq }) => open.has(seq)).map(({ seq }) => seq)),
    asked: request.asked,
    ...occurredAt(draft, request),
  };
}

function withoutManager(options: JsonObject | null): JsonObject | null {
  const { fieldManager: _, ...rest } = options ?? {};
  return Object.keys(rest).length === 0 ? null : rest;
}

/** Requests of one moment are answered in any order: so much later than its turn one is not told as older (ms). */
const OLDER_MS = 1_000;

function occurredAt(draft: Draft, { record }: AuditedRequest): { occurredAt?: number } {
  return draft.at - record.answeredAt > OLDER_MS ? { occurredAt: Math.floor(record.answeredAt) } : {};
}

/** Attaches what the log tells to a version that was persisted. */
export function tell(
  draft: Draft,
  { record }: AuditedRequest,
  { seq, resourceVersion }: Pick<HeadVersion, 'seq' | 'resourceVersion'>,
  told: Pick<NewOutcome, 'outcome' | 'reason'> = { outcome: 'committed', reason: 'the audit log shows it' },
): void {
  draft.attach({ seq, ...told, resourceVersion, at: draft.at, audit: record });
}
