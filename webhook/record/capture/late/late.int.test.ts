import assert from 'node:assert/strict';
import fc from 'fast-check';
import { normalise } from '../../../../shared/normalise.ts';
import { readReview } from '../../../../shared/review.ts';
import { reviewDocument, type ReviewOptions } from '../../../../shared/testing/reviews.ts';
import type { BlamePage, JsonObject, ObjectRef } from '../../../../shared/types.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { useFolder } from '../../../testing/folder.ts';
import { TestRecorder } from '../../../testing/ledgers/recorder.ts';

const DEPLOYMENT: ObjectRef = {
  ...{ group: 'apps', resource: 'deployments', kind: 'Deployment' },
  ...{ namespace: 'shop', name: 'web', uid: 'u-w' },
};

/** A version of the Deployment; `entries`: who wrote to it, and in which second. */
function deployment(
  resourceVersion: string,
  spec: JsonObject,
  entries: readonly (readonly [string, number])[],
): JsonObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      ...{ name: 'web', namespace: 'shop', uid: 'u-w', creationTimestamp: '2026-11-22T05:00:00Z' },
      ...(resourceVersion === '' ? {} : { resourceVersion }),
      managedFields: entries.map(([manager, second]) => ({
        ...{ manager, operation: 'Update', time: `2026-11-22T05:00:0${second}Z` },
      })),
    },
    spec,
  };
}

/** Somebody's request, and the version that came of it; null where the object was gone. */
interface Act {
  review: ReviewOptions;
  shown: JsonObject | null;
  /** How the history tells of it. */
  told: string;
}

const type = { group: 'apps', resource: 'deployments', kind: 'Deployment', name: 'web' };
const by = (username: string, manager: string): Pick<ReviewOptions, 'username' | 'options'> => ({
  username,
  options: { kind: 'UpdateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: manager },
});
const scale = (replicas: number, resourceVersion: string): JsonObject => ({
  apiVersion: 'autoscaling/v1',
  kind: 'Scale',
  metadata: { name: 'web', namespace: 'shop', uid: 'u-w', resourceVersion },
  spec: { replicas },
});
const first = deployment('11', { replicas: 1, image: 'a' }, [['kubectl-create', 0]]);
const second = deployment('12', { replicas: 1, image: 'b' }, [
  ['kubectl-create', 0],
  ['kubectl-edit', 1],
]);
const third = deployment('13', { replicas: 3, image: 'b' }, [
  ['kubectl-create', 0],
  ['kubectl-edit', 1],
  ['kubectl', 2],
]);
/** The API server fills in a value when it reads what it stored. */
const fourth = deployment('14', { replicas: 3, image: 'b', strategy: 'x', filled: 'y' }, [
  ...([
    ['kubectl-create', 0],
    ['kubectl-edit', 1],
    ['kubectl', 2],
    ['helm', 3],
  ] as const),
]);

const STORY: readonly Act[] = [
  {
    review: { ...type, ...by('bob', 'kubectl-create'), object: { ...first, metadata: without(first) } },
    shown: first,
    told: 'CREATE bob',
  },
  {
    review: {
      ...{ ...type, ...by('alice', 'kubectl-edit'), operation: 'UPDATE', oldObject: first },
      object: { ...second, metadata: { ...(second.metadata as JsonObject), resourceVersion: '11' } },
    },
    shown: second,
    told: 'UPDATE alice',
  },
  {
    review: {
      ...{ ...type, ...by('carol', 'kubectl'), kind: 'Scale', operation: 'UPDATE', subResource: 'scale' },
      ...{ oldObject: scale(1, '12'), object: scale(3, '12') },
    },
    shown: third,
    told: 'UPDATE/scale carol',
  },
  {
    review: {
      ...{ ...type, ...by('dave', 'helm'), operation: 'UPDATE', oldObject: third },
      object: {
        ...fourth,
        metadata: { ...(fourth.metadata as JsonObject), resourceVersion: '13' },
        spec: { replicas: 3, image: 'b', strategy: 'x' },
      },
    },
    shown: fourth,
    told: 'UPDATE dave',
  },
  {
    review: { ...type, username: 'erin', operation: 'DELETE', oldObject: fourth, object: null, options: {} },
    shown: null,
    told: 'DELETE erin',
  },
];

function without({ metadata }: JsonObject): JsonObject {
  const { resourceVersion: _, ...rest } = metadata as JsonObject;
  return rest;
}

describe('a review that was read late', () => {
  const file = useFolder();
  let ledger: TestRecorder;
  let opened = 0;
  const open = async (): Promise<void> => {
    ledger = await TestRecorder.open(file(`${++opened}.db`));
    ledger.at = Date.parse('2026-11-22T05:00:09Z');
  };
  beforeEach(open);
  afterEach(() => ledger.close());

  const show = ({ shown }: Act): Promise<void> =>
    shown === null
      ? ledger.recorder.observeGone(DEPLOYMENT, '15', ledger.at)
      : ledger.recorder.observe(DEPLOYMENT, normalise(shown), ledger.at, 1);

  /** Its size is told, so that its managedFields are remembered. */
  const read = (review: ReviewOptions): Promise<unknown> =>
    ledger.recorder.record(readReview(reviewDocument(review)), (ledger.at += 1000), 500);

  /** What anybody sees of the history. */
  const visible = async (): Promise<string[]> => {
    await ledger.recorder.contentsEnded();
    const { changes } = await new StoreReader(ledger.store, () => ledger.at).changes({ scope: {}, limit: 100 });
    return changes
      .map(({ operation, subresource, actor, outcome }) => {
        const what = subresource === '' ? operation : `${operation}/${subresource}`;
        return `${what} ${actor?.username ?? 'unknown'}${outcome === 'committed' ? '' : ` ${outcome}`}`;
      })
      .sort();
  };
  const setters = async (): Promise<(string | undefined)[]> => {
    const page: BlamePage = await new StoreReader(ledger.store, () => ledger.at).blame({
      ...{ scope: {}, at: ledger.at, limit: 1 },
    });
    return page.blames[0]?.setters.map(({ actor }) => actor?.username) ?? [];
  };

  for (let length = 1; length <= STORY.length; length++) {
    const acts = STORY.slice(0, length);
    it(`gives the same history with users in every order of arrival: ${acts.at(-1)?.told ?? ''}`, async () => {
      const orders = fc.record({
        // Reviews come in any order, what a watch shows in its own.
        reviews: fc.shuffledSubarray(
          acts.map((_, index) => index),
          { minLength: length, maxLength: length },
        ),
        takes: fc.shuffledSubarray([...acts.map(() => 'review'), ...acts.map(() => 'watch')], {
          ...{ minLength: 2 * length, maxLength: 2 * length },
        }),
      });
      /** No review overtakes more than one version, nor a scale, which shows only a part, the version that it was made from. */
      const isPossible = ({ reviews, takes }: { reviews: number[]; takes: string[] }): boolean => {
        let [known, shown] = [-1, -1];
        const [waiting, recorded] = [[...reviews], new Set<number>()];
        for (const take of takes) {
          if (take === 'watch') {
            known = Math.max(known, ++shown);
            continue;
          }
          const review = waiting.shift() ?? 0;
          if (review - 1 > known + 1) return false;
          if (review === 2 && known < 1 && !recorded.has(1)) return false;
          recorded.add(review);
          known = Math.max(known, review - 1);
        }
        return true;
      };
      const holds = async ({ reviews, takes }: { reviews: number[]; takes: string[] }): Promise<void> => {
        await ledger.close();
        await open();
        const [waiting, showing] = [[...reviews], [...acts]];
        for (const take of takes) {
          const act = take === 'watch' ? showing.shift() : acts[waiting.shift() ?? -1];
          assert.ok(act !== undefined);
          if (take === 'watch') await show(act);
          else await read(act.review);
        }
        assert.deepEqual(await visible(), acts.map(({ told }) => told).sort());
        const users = acts.map(({ told }) => told.split(' ')[1]);
        if (length < STORY.length) assert.deepEqual((await setters()).sort(), users.slice().sort());
      };
      await fc.assert(fc.asyncProperty(orders.filter(isPossible), holds), { numRuns: 15 });
    });
  }

  it('tells what a list showed beyond a creation as a difference of its own', async () => {
    const listed = deployment('14', { replicas: 5, image: 'c' }, [['kubectl-create', 0]]);
    await ledger.recorder.observe(DEPLOYMENT, normalise(listed), ledger.at);
    const [created] = STORY;
    await ledger.review(created?.review);
    assert.deepEqual(await visible(), ['CREATE bob', 'UPDATE unknown']);
    const { changes } = await new StoreReader(ledger.store, () => ledger.at).changes({ scope: {}, limit: 1 });
    assert.deepEqual(
      changes[0]?.deltas.map(
        ({ path, before, after }) => `${path}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`,
      ),
      ['spec.replicas: 1 → 5', 'spec.image: "a" → "c"'],
    );
    assert.deepEqual((await setters()).sort(), ['bob', undefined]);
  });

  it('names who bound a pod that was shown on its node before', async () => {
    const ref: ObjectRef = { group: '', resource: 'pods', kind: 'Pod', namespace: 'shop', name: 'p', uid: 'u-p' };
    const pod = (resourceVersion: string, spec: JsonObject, status: JsonObject): JsonObject => ({
      ...{ apiVersion: 'v1', kind: 'Pod', spec, status },
      metadata: { name: 'p', namespace: 'shop', uid: 'u-p', resourceVersion },
    });
    const scheduled = [{ type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: 'before' }];
    await ledger.recorder.observe(ref, normalise(pod('5', {}, {})), ledger.at);
    await ledger.recorder.observe(ref, normalise(pod('6', { nodeName: 'n1' }, { conditions: scheduled })), ledger.at);
    await ledger.review({
      ...{ resource: 'pods', kind: 'Binding', subResource: 'binding', name: 'p', username: 'scheduler' },
      object: { kind: 'Binding', apiVersion: 'v1', metadata: { name: 'p' }, target: { kind: 'Node', name: 'n1' } },
    });
    assert.equal((await visible()).filter((line) => line === 'CREATE/binding scheduler').length, 1);
    assert.ok((await setters()).includes('scheduler'));
  });

  it('stays open where another version came next, and is dropped when its review tells that it came first', async () => {
    await ledger.recorder.observe(DEPLOYMENT, normalise(first), ledger.at);
    const other = deployment('12', { replicas: 9, image: 'a' }, [
      ['kubectl-create', 0],
      ['helm', 9],
    ]);
    await ledger.recorder.observe(DEPLOYMENT, normalise(other), ledger.at, 1);
    await ledger.review(STORY[1]?.review);
    const before = ['1 baseline CREATE committed@11', '2 watch UPDATE committed@12'];
    assert.deepEqual(await ledger.summary(), [...before, '3 admission UPDATE pending']);
    await ledger.review({ ...STORY[1]?.review, username: 'frank', object: other });
    assert.deepEqual(await ledger.summary(), [
      ...before,
      '3 admission UPDATE dropped',
      '4 admission UPDATE committed@12',
    ]);
  });
});
