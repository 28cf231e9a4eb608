import type { AuditRecord } from '../../../../shared/audit.ts';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { applyPatch, diff, hashBody } from '../../../../shared/patch.ts';
import { canonicalJson, parseJson } from '../../../../shared/json.ts';
import { reconstruct } from '../../../../shared/reconstruct.ts';
import { asObject, objectText } from '../../../../shared/testing/arbitrary.ts';
import type { JsonObject, Patch } from '../../../../shared/types.ts';
import { BODY_SNAPSHOT_EVERY } from '../port.ts';
import type { LedgerStore, NewChange } from '../port.ts';
import { loadStep } from '../steps.ts';
import { newChange } from './new-change.ts';
import { questionsContract } from './questions.contract.ts';

/** What every store must do. `open` gives the same ledger again after it was closed; each test starts with a new one. */
export function storeContract(open: () => LedgerStore | Promise<LedgerStore>): void {
  describe('keeps what is appended', () => keepingContract(open));
  describe('finds what is asked for', () => questionsContract(open));
}

function keepingContract(open: () => LedgerStore | Promise<LedgerStore>): void {
  let store: LedgerStore;
  beforeEach(async () => {
    store = await open();
  });
  afterEach(() => store.close());

  const append = (...changes: NewChange[]): Promise<void> => store.append({ changes, outcomes: [] });

  it('is empty at first', async () => {
    assert.equal(await store.last(), null);
    assert.equal(await store.first(), null);
    assert.equal(await store.seqAt(Number.MAX_SAFE_INTEGER), 0);
    assert.deepEqual(await store.changes({}, 10), []);
  });

  it('gives back what was appended, also after it was closed', async () => {
    const change = newChange(1, {
      subresource: 'status',
      late: true,
      statusOnly: true,
      operation: 'UPDATE',
      effect: 'modified',
      reviewUid: 'not-a-uuid',
      // The second group is what a name that starts with NUL is in memory: shared/json.ts.
      actor: { username: 'bob', uid: '7', groups: ['g', '\0$\0odd'], extra: { scopes: ['a', 'b'] } },
      detail: {
        patch: [{ op: 'remove', path: '/a' }],
        options: { x: 1 },
        cause: 9,
        notBefore: 5,
        managersHint: ['helm'],
        base: [{ op: 'remove', path: '/a' }],
        scale: { from: null, to: 3 },
      },
      bodySnapshot: { kind: 'ConfigMap' },
    });
    await append(change);
    await store.close();
    store = await open();
    const stored = await store.change(1);
    assert.ok(stored !== null);
    const { objectId: _, amended, outcome, outcomeReason, detail: __, audit, occurredAt, ...facts } = stored;
    const { bodySnapshot: checkpoint, detail: expected, ...expectedFacts } = change;
    assert.deepEqual({ ...facts, apiVersion: stored.apiVersion, hash: stored.hash }, expectedFacts);
    assert.deepEqual(stored.detail(), expected);
    assert.deepEqual([amended, outcome, outcomeReason, audit(), occurredAt], [false, 'pending', '', null, change.at]);
    assert.deepEqual(await store.bodySnapshot(1), checkpoint);
  });

  it('keeps what the audit log tells of a change, and when it happened, and finds it by both', async () => {
    const audit: AuditRecord = {
      id: '5b0c7c52-7f1e-4a6e-8f0a-9a1c2d3e4f50',
      ...{ level: 'Metadata', verb: 'patch', receivedAt: 500.25, answeredAt: 600, code: 200 },
      ...{ user: { username: 'carol', groups: [] }, impersonator: { username: 'bob', groups: ['sre'] } },
      ...{ sourceIPs: ['192.0.2.7'], userAgent: 'kubectl' },
    };
    const told = {
      seq: 1,
      outcome: 'committed',
      reason: 'the audit log shows it',
      resourceVersion: '7',
      at: 1_000,
      audit,
    } as const;
    await store.append({
      changes: [newChange(1), newChange(2, { source: 'audit', occurredAt: 600 })],
      outcomes: [told],
    });
    await store.append({
      changes: [],
      outcomes: [{ ...told, resourceVersion: '8', at: 2_000, audit: undefined }].map(({ audit: _, ...rest }) => rest),
    });
    await store.close();
    store = await open();
    const [first, second] = [await store.change(1), await store.change(2)];
    assert.deepEqual([first?.audit(), first?.resourceVersion, first?.occurredAt], [audit, '8', 1_000]);
    assert.deepEqual([second?.audit(), second?.at, second?.occurredAt], [null, 2_000, 600]);
    assert.deepEqual([await store.hasAudit(audit.id), await store.hasAudit('another')], [true, false]);
    assert.equal(await store.hasBackdated(), true);
    const objectId = second?.objectId ?? 0;
    const at = async (moment: number): Promise<number | undefined> => (await store.backdated(objectId, moment))?.seq;
    // From 2,000 on it is found by its place in the ledger.
    assert.deepEqual([await at(599), await at(600), await at(1_999), await at(2_000)], [undefined, 2, 2, undefined]);
    assert.deepEqual(
      (await store.changes({ since: 600, until: 999 }, 9)).map(({ seq }) => seq),
      [2],
    );
  });

  it('appends all or nothing', async () => {
    await append(newChange(1));
    await assert.rejects(append(newChange(2), newChange(1)));
    assert.deepEqual(await store.last(), { seq: 1, at: 1000 });
    await append(newChange(2));
    assert.deepEqual(await store.last(), { seq: 2, at: 2000 });
  });

  it('keeps outcomes as they follow one another; the last one counts', async () => {
    await append(newChange(1));
    const outcome = (value: 'committed' | 'dropped', resourceVersion: string): Promise<void> =>
      store.append({
        changes: [],
        outcomes: [{ seq: 1, outcome: value, resourceVersion, reason: 'the watch shows it', at: 1 }],
      });
    await outcome('dropped', '');
    await outcome('committed', '77');
    const stored = await store.change(1);
    assert.deepEqual(
      [stored?.outcome, stored?.resourceVersion, stored?.outcomeReason],
      ['committed', '77', 'the watch shows it'],
    );
  });

  it('gives commits with what became durable together, from the one after a commit on', async () => {
    const committed = {
      seq: 1,
      outcome: 'committed',
      resourceVersion: '7',
      reason: 'the watch shows it',
      at: 3,
    } as const;
    await append(newChange(1), newChange(2));
    await store.append({
      changes: [newChange(3)],
      outcomes: [committed],
      coverage: [{ at: 9, event: 'lost', detail: 'x' }],
    });
    const commits = await store.commits(0, 10);
    const { at: _, ...told } = committed;
    assert.deepEqual(
      commits.map(({ afterSeq, lastSeq, outcomes, coverage }) => ({ afterSeq, lastSeq, outcomes, coverage })),
      [
        { afterSeq: 0, lastSeq: 2, outcomes: [], coverage: [] },
        { afterSeq: 2, lastSeq: 3, outcomes: [told], coverage: [{ at: 9, event: 'lost', detail: 'x' }] },
      ],
    );
    const [first, second] = commits;
    assert.notDeepEqual(first?.hash, second?.hash);
    assert.deepEqual(await store.commits(first?.id ?? 0, 10), [second]);
    assert.deepEqual(await store.commits(0, 1), [first]);
    assert.deepEqual(await store.commits(second?.id ?? 0, 10), []);
  });

  it('gives a change as it was amended: in its patch, its body, the whole body beside it, and to what follows', async () => {
    const created = { apiVersion: 'v1', data: { a: '1' } };
    const shown = { apiVersion: 'v2', data: { a: '1', filled: 'in' } };
    const next = { apiVersion: 'v2', data: { a: '2', filled: 'in' } };
    const patch: Patch = [
      { op: 'replace', path: '/apiVersion', value: 'v2' },
      { op: 'add', path: '/data/filled', value: 'in' },
    ];
    const whole = newChange(1).detail;
    await append(
      newChange(1, { detail: { ...whole, patch: [{ op: 'add', path: '', value: { data: {} } }] } }),
      newChange(2, {
        ...{ parent: 1, effect: 'modified', apiVersion: 'v1', hash: hashBody(created), bodySnapshot: created },
        detail: { ...whole, patch: [{ op: 'replace', path: '', value: created }] },
      }),
    );
    const amendment = { patch, apiVersion: 'v2', hash: hashBody(shown) ?? Buffer.alloc(0) };
    const settled = {
      seq: 2,
      outcome: 'committed',
      resourceVersion: '7',
      reason: 'the watch shows it',
      at: 1,
    } as const;
    await store.append({
      changes: [
        newChange(3, {
          ...{ parent: 2, depth: 1, effect: 'modified', apiVersion: 'v2', hash: hashBody(next) },
          detail: { ...whole, patch: [{ op: 'replace', path: '/data/a', value: '2' }] },
        }),
      ],
      outcomes: [{ ...settled, amendment }],
    });
    await store.close();
    store = await open();
    const stored = await store.change(2);
    assert.deepEqual([stored?.amended, stored?.apiVersion, stored?.hash], [true, 'v2', hashBody(shown)]);
    assert.deepEqual(stored?.detail().patch, [{ op: 'replace', path: '', value: created }, ...patch]);
    assert.deepEqual([await store.body(2), await store.bodySnapshot(2), await store.body(3)], [shown, shown, next]);
    const line = await store.lineage(3);
    assert.deepEqual(
      line.map(({ seq, apiVersion, bodySnapshot: checkpoint }) => [seq, apiVersion, checkpoint()]),
      [
        [3, 'v2', null],
        [2, 'v2', shown],
      ],
    );
    assert.deepEqual(line[1]?.patch(), stored?.detail().patch);
  });

  it('takes what is not a request for a fact', async () => {
    await append(newChange(1, { source: 'baseline', actor: null, resourceVersion: '5' }));
    const stored = await store.change(1);
    assert.deepEqual([stored?.outcome, stored?.resourceVersion, stored?.actor], ['committed', '5', null]);
  });

  it('gives the tail of an object back to its last committed change', async () => {
    await append(
      newChange(1, { source: 'baseline' }),
      newChange(2, { source: 'watch', parent: 1 }),
      newChange(3, { effect: 'none' }),
      newChange(4, { parent: 2 }),
      newChange(5, { parent: 2, late: true, source: 'watch' }),
    );
    const [object] = await store.objects({}, 1);
    const seqs = async (max?: number): Promise<number[]> =>
      (await store.tail(object?.id ?? 0, max)).map(({ seq }) => seq);
    assert.deepEqual(await seqs(), [5, 4, 2]);
    assert.deepEqual(await seqs(1), [1]);
    const versions = await store.versions(object?.id ?? 0);
    assert.deepEqual(
      versions.map(({ seq, outcome, parent, effect, late, at, manager, actor }) => ({
        ...{ seq, outcome, parent, effect, late, at, manager, actor },
      })),
      (await store.tail(object?.id ?? 0)).map(({ seq, outcome, parent, effect, late, at, manager, actor }) => ({
        ...{ seq, outcome, parent, effect, late, at, manager, actor },
      })),
    );
    assert.deepEqual(
      (await store.openAttempts(0, 10)).map(({ seq }) => seq),
      [4],
    );
    assert.deepEqual(
      (await store.openAttempts(5, 10)).map(({ seq }) => seq),
      [],
    );
  });

  it('rebuilds every state of a random history as the direct fold has it', async () => {
    let seq = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(objectText, { minLength: 1, maxLength: 2 * BODY_SNAPSHOT_EVERY }), async (texts) => {
        const bodies: (JsonObject | null)[] = [];
        let before: JsonObject | null = null;
        const changes: NewChange[] = [];
        for (const text of texts) {
          const body = asObject(parseJson(text));
          const depth = changes.length % BODY_SNAPSHOT_EVERY;
          changes.push(
            newChange(++seq, {
              parent: changes.length === 0 ? null : seq - 1,
              depth,
              detail: { ...newChange(1).detail, patch: diff(before, body) },
              bodySnapshot: depth === 0 && changes.length > 0 ? body : null,
            }),
          );
          before = applyPatch(before, diff(before, body));
          bodies.push(before);
        }
        const first = seq - changes.length + 1;
        await append(...changes);
        for (const [index, body] of bodies.entries()) {
          const rebuilt = await reconstruct(first + index, (at) => loadStep(store, at));
          assert.equal(canonicalJson(rebuilt), canonicalJson(body));
          assert.equal(canonicalJson(await store.body(first + index)), canonicalJson(body));
        }
      }),
      { numRuns: 20 },
    );
  });
}
