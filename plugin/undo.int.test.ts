import assert from 'node:assert/strict';
import { canonicalJson, isObject } from '../shared/json.ts';
import { metadataOf } from '../shared/normalise.ts';
import { applyPatch } from '../shared/patch.ts';
import type { Change, JsonObject, LedgerReader } from '../shared/types.ts';
import { undo, type Undo } from '../shared/undo.ts';
import { openLedger } from '../webhook/ask/questions/open.ts';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { importShop } from '../webhook/testing/ledgers/shop-ledger.ts';
import { NOW } from './testing/ask.ts';

describe('undo on the recording', () => {
  const file = useSharedFolder();
  let reader: LedgerReader;
  before(async function () {
    this.timeout(60_000);
    await (await importShop(file('shop.db'), true)).close();
    reader = await openLedger(file('shop.db'), () => NOW);
  });
  after(() => reader.close());

  /** What the API server keeps of a body that is written again, spelled out here: generation and status are its own. */
  const written = (body: JsonObject | null, statusToo: boolean): string => {
    if (body === null) return 'null';
    const { status, ...rest } = body;
    const { generation: _, ...metadata } = metadataOf(rest);
    return canonicalJson({ ...rest, metadata, ...(statusToo && status !== undefined ? { status } : {}) });
  };

  /** Null where the result of applying `step` to the object as the change left it is the body before the change. */
  const wrongResult = (change: Change, { step }: Undo): string | null => {
    const [before, after] = [change.before ?? null, change.after ?? null];
    switch (step.kind) {
      case 'none':
        return 'nothing is printed';
      case 'delete':
        return before === null && step.manifest.kind === after?.kind ? null : 'it deletes what it should not';
      case 'patch': {
        const [version, ...patch] = step.patch;
        if (version?.path !== '/metadata/resourceVersion' || version.op !== 'test') return 'it is not guarded';
        const result = written(applyPatch(after, patch), true);
        return result === written(before, true) ? null : `${result} is not ${written(before, true)}`;
      }
      case 'create': {
        if (before === null) return 'it creates what was not there';
        const gone = new Set([
          'uid',
          'creationTimestamp',
          'deletionTimestamp',
          'deletionGracePeriodSeconds',
          'generation',
        ]);
        const metadata = Object.fromEntries(Object.entries(metadataOf(before)).filter(([key]) => !gone.has(key)));
        const expected = withoutAllocations({ ...before, metadata });
        const result = written(withoutAllocations(step.manifest), false);
        return result === written(expected, false) ? null : `${result} is not ${written(expected, false)}`;
      }
    }
  };

  const withoutAllocations = (body: JsonObject): JsonObject => {
    const { spec, metadata, ...rest } = body;
    const drop = new Set(['nodeName', 'clusterIP', 'clusterIPs']);
    const { annotations, finalizers, ...more } = isObject(metadata ?? null) ? (metadata as JsonObject) : {};
    const kept = Object.entries((annotations ?? {}) as JsonObject).filter(([key]) => !key.startsWith('deployment.'));
    const held = Array.isArray(finalizers) ? finalizers.filter((name) => name !== 'foregroundDeletion') : [];
    return {
      ...rest,
      metadata: {
        ...more,
        ...(kept.length > 0 ? { annotations: Object.fromEntries(kept) } : {}),
        ...(held.length > 0 ? { finalizers: held } : {}),
      },
      ...(spec === undefined || body.kind === 'Namespace'
        ? {}
        : { spec: Object.fromEntries(Object.entries(spec as JsonObject).filter(([key]) => !drop.has(key))) }),
    };
  };

  it('gives the body before each change by a person, or names why not', async () => {
    const { changes } = await reader.changes({ scope: {}, limit: 1000, status: true, attempts: true, bodies: true });
    const more = await reader.changes({ scope: {}, limit: 1000, status: true, attempts: true, bodies: true, before: changes.at(-1)?.seq ?? 0 }); // prettier-ignore
    const persons = [...changes, ...more.changes].filter(
      ({ actor, outcome, effect }) =>
        outcome === 'committed' && effect !== 'none' && actor !== null && /^[^:]+$|:shop:/.test(actor.username),
    );
    const counts: Record<string, number> = {};
    const count = (what: string): void => void (counts[what] = (counts[what] ?? 0) + 1);
    for (const change of persons) {
      const after = change.after ?? null;
      const present = after === null ? null : { body: after, resourceVersion: change.resourceVersion || 'x' };
      const result = undo({ changes: [change], present, later: [], force: false });
      if (result.problems.length > 0) for (const { kind } of result.problems) count(kind);
      else {
        assert.equal(wrongResult(change, result), null, `change ${change.seq}`);
        count(`exact ${result.step.kind}`);
      }
    }
    assert.deepEqual(counts, {
      'exact patch': 285,
      'exact create': 58,
      'exact delete': 29,
      // Objects that were marked, and not gone yet: nothing can stop a deletion.
      deleting: 55,
      // A Secret that was rotated.
      unrecorded: 2,
    });
  });
});
