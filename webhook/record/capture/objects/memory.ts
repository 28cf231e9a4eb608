import type { ManagedField } from '../../../../shared/normalise.ts';
import type { JsonObject, ObjectRef } from '../../../../shared/types.ts';
import type { Amendment } from '../../../ledger/content/payload.ts';
import type { LedgerStore, NewChange, NewOutcome } from '../../../ledger/port/port.ts';
import { sameName, type ObjectHead } from './object-head.ts';
import type { ReplicasPaths } from './scale.ts';

/** The in-memory side that a draft reads through and is merged into: recorder.ts. */
export interface Memory {
  readonly store: LedgerStore;
  readonly nextSeq: number;
  /** The time to record: never before the last one's. */
  readonly at: number;
  head(object: ObjectRef): Promise<ObjectHead>;
  /** All incarnations of an object's name that have been added, the newest first. */
  incarnations(key: ObjectRef): Promise<readonly ObjectRef[]>;
  /** Changes that wait for their commit, oldest first. */
  readonly waiting: readonly NewChange[];
  /** A change that was added lately, where it is remembered. */
  recent(seq: number): Recent | undefined;
  /** What the API server made of a change, while that waits for its commit. */
  amendment(seq: number): Amendment | undefined;
  /** Outcomes that wait for their commit, oldest first. */
  readonly waitingOutcomes: readonly NewOutcome[];
  /** The managedFields that a review or a fact had, where they are remembered. */
  managedFields(seq: number): readonly ManagedField[] | undefined;
  /** What a definition says that is not recorded, by its name. */
  replicasPaths(definition: string): ReplicasPaths | undefined;
}

/** A change, and the body after it; null where the object is gone, and for an act. */
export interface Recent {
  change: NewChange;
  body: JsonObject | null;
}

/** The incarnations of a name, the newest first, with those that later changes tell of. */
export function withIncarnations(
  known: readonly ObjectRef[],
  key: ObjectRef,
  changes: readonly NewChange[],
): readonly ObjectRef[] {
  let all = known;
  for (const { object } of changes) {
    if (sameName(object, key) && !all.some(({ uid }) => uid === object.uid)) all = [object, ...all];
  }
  return all;
}
