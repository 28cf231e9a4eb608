import assert from 'node:assert/strict';
import { isKubelet } from '../../../../shared/acts/kubelet.ts';
import { shopLines } from '../../../../shared/testing/shop.ts';
import type { Change, LedgerReader } from '../../../../shared/types.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import type { SqliteStore } from '../../../ledger/sqlite/store/store.ts';
import { useFolder, useSharedFolder } from '../../folder.ts';
import { importShop } from '../../ledgers/shop-ledger.ts';

/*
 * Causes against the recording's own list of who did what when. The list names people and moments, and nothing of what
 * controllers then did.
 */
const USERS: Record<string, string> = {
  alice: 'alice@example.com',
  bob: 'bob@example.com',
  'ci-bot': 'system:serviceaccount:shop:ci-bot',
};

/** How long the longest action goes on sending requests: the drain, which evicts one pod again. */
const ACTION_MS = 2500;

interface Action {
  at: number;
  user: string;
  /** The Deployments that it makes controllers work on. */
  deployments: string[];
}

/** The actions that change what the shop's Deployments run, oldest first. */
function actions(): Action[] {
  return shopLines('actions.ndjson').flatMap((line) => {
    // Quotes in what was run are not escaped: the file is no JSON.
    const [, at = '', as = '', run = ''] = /^\{"at":"(.*?)","as":"(.*?)","run":"(.*)"\}$/.exec(line) ?? [];
    const user = USERS[as];
    const deployments = deploymentsOf(run);
    return user === undefined || deployments.length === 0 ? [] : [{ at: Date.parse(at), user, deployments }];
  });
}

function deploymentsOf(run: string): string[] {
  if (/dry-run|label |annotate /.test(run)) return [];
  if (run.startsWith('apply -f shop.yaml') || run.startsWith('drain ')) return ['web', 'api'];
  const [, name] = /deployment[/ ](web|api)\b/.exec(run) ?? [];
  if (name !== undefined) return [name];
  if (run === 'set image api') return ['api'];
  return run.includes('delete pod -l app=web') ? ['web'] : [];
}

/**
 * Two people at once: bob's new image is still being rolled out when alice scales from 3 to 5, and both edit metadata. Told by
 * hand, from what the Deployment controller writes: her size goes to both ReplicaSets at once (2 to 4 and 2 to 3 pods, with
 * desired-replicas 5), his rollout goes on step by step.
 */
const TOGETHER = { from: '2026-11-22T05:06:02.139Z', to: '2026-11-22T05:06:03.500Z' };
const [ALICE, BOB] = ['alice@example.com', 'bob@example.com'] as const;
const WHO_TOGETHER = [
  ['web-54689467b-trtxq', 'created', BOB],
  ['web-54689467b-trtxq', 'binding', BOB],
  ['web-f8446f98c', 'spec.replicas 3 to 2', BOB],
  ['web-f8446f98c-qzmq2', 'modified', BOB],
  ['web-54689467b', 'spec.replicas 1 to 2', BOB],
  ['web-54689467b-bzwmr', 'created', BOB],
  ['web-54689467b', 'spec.replicas 2 to 4', ALICE],
  ['web-54689467b-bzwmr', 'binding', BOB],
  ['web-f8446f98c', 'spec.replicas 2 to 3', ALICE],
  ['web-f8446f98c-wrmgd', 'created', ALICE],
  ['web-54689467b-p8dds', 'created', ALICE],
  ['web-54689467b-5dcn8', 'created', ALICE],
  ['web-f8446f98c-wrmgd', 'binding', ALICE],
  ['web-54689467b-p8dds', 'binding', ALICE],
  ['web-54689467b-5dcn8', 'binding', ALICE],
  ['web-f8446f98c', 'spec.replicas 3 to 2', BOB],
  ['web-f8446f98c-wrmgd', 'modified', BOB],
  ['web-54689467b', 'spec.replicas 4 to 5', BOB],
  ['web-54689467b-nd6g5', 'created', BOB],
  ['web-54689467b-nd6g5', 'binding', BOB],
  // The annotation that she set is copied.
  ['web-54689467b', 'modified', ALICE],
  ['web-f8446f98c', 'spec.replicas 2 to 0', BOB],
  ['web-f8446f98c-q6rhq', 'modified', BOB],
  ['web-f8446f98c-tfxgm', 'modified', BOB],
] as const;

const time = (text: string): number => Date.parse(text);
const isTogether = ({ at }: Change): boolean => at >= time(TOGETHER.from) && at <= time(TOGETHER.to);

/** True for what controllers did, except reporting status, to the ReplicaSets and Pods of the Deployments web and api. */
function isControllers({ object, actor, statusOnly, effect }: Change): boolean {
  const mine = object.namespace === 'shop' && /^(?:web|api)-/.test(object.name);
  const type = object.resource === 'replicasets' || object.resource === 'pods';
  return mine && type && !statusOnly && effect !== 'none' && (actor === null || actor.username.startsWith('system:'));
}

function person({ causes = [] }: Change): string | undefined {
  return causes.at(-1)?.actor?.username;
}

function what({ subresource, effect, deltas }: Change): string {
  const size = deltas.find(({ path }) => path === 'spec.replicas');
  if (size !== undefined) return `spec.replicas ${JSON.stringify(size.before)} to ${JSON.stringify(size.after)}`;
  return subresource === '' ? effect : subresource;
}

describe('what led to the changes of controllers, on the recording', () => {
  const file = useSharedFolder();
  let reader: LedgerReader;
  const changes: Change[] = [];

  before(async function () {
    this.timeout(60_000);
    reader = new StoreReader(await importShop(file('shop.db'), true), () => Date.now());
    for (let before: number | null | undefined; before !== null;) {
      const query = { scope: {}, limit: 1000, causes: true, ...(before === undefined ? {} : { before }) };
      const page = await reader.changes(query);
      changes.unshift(...page.changes.reverse());
      before = page.next;
    }
  });
  after(() => reader.close());

  it('is the right person for every change to the ReplicaSets and Pods of the Deployments', () => {
    const known = actions();
    const counts = new Map<string, number>();
    for (const change of changes.filter((one) => isControllers(one) && !isTogether(one))) {
      const deployment = change.object.name.startsWith('web-') ? 'web' : 'api';
      const last = known.findLast(({ at, deployments }) => at <= change.at && deployments.includes(deployment));
      const title = `change ${change.seq}: ${change.object.resource} ${change.object.name}`;
      assert.equal(person(change), last?.user, title);
      assert.ok(
        change.causes?.every(({ certain }) => certain),
        title,
      );
      // The chain ends with what the action itself did, not only with the right person.
      const root = changes.find(({ seq }) => seq === change.causes?.at(-1)?.seq);
      const made = known.filter(({ user, deployments }) => user === last?.user && deployments.includes(deployment));
      assert.ok(
        root !== undefined && made.some(({ at: began }) => root.at >= began && root.at < began + ACTION_MS),
        title,
      );
      const key = `${change.object.resource} ${last?.user}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    console.log(`      ${[...counts].map(([key, count]) => `${key}: ${count}`).join(', ')}`);
    assert.deepEqual(Object.fromEntries(counts), {
      'replicasets alice@example.com': 35,
      'replicasets bob@example.com': 17,
      'replicasets system:serviceaccount:shop:ci-bot': 4,
      'pods alice@example.com': 54,
      'pods bob@example.com': 33,
      'pods system:serviceaccount:shop:ci-bot': 6,
    });
  });

  it('tells two people apart whose changes are carried out at once', () => {
    const told = changes
      .filter((change) => isControllers(change) && isTogether(change))
      .map((change) => [change.object.name, what(change), person(change)]);
    assert.deepEqual(told, WHO_TOGETHER);
  });

  it('follows cascades, namespaces, definitions and evictions to whoever began them', () => {
    const at = (seq: number): string => {
      const change = changes.find((one) => one.seq === seq);
      const chain = (change?.causes ?? []).map(
        ({ object, actor }) => `${object.resource}/${object.name} ${actor?.username ?? '-'}`,
      );
      return [`${change?.object.resource}/${change?.object.name}`, ...chain]
        .join(' < ')
        .replaceAll('system:serviceaccount:kube-system:', '');
    };
    const find = (resource: string, name: RegExp, effect: string): number =>
      changes.findLast(
        (one) =>
          one.object.resource === resource &&
          name.test(one.object.name) &&
          one.effect === effect &&
          (one.causes ?? []).length > 0,
      )?.seq ?? 0;
    assert.deepEqual(
      [
        at(find('pods', /^api-5b9cd8f657-62pwx$/, 'modified')),
        at(find('configmaps', /^kube-root-ca/, 'deleted')),
        at(find('namespaces', /^sandbox$/, 'deleted')),
        at(find('pods', /^db-0$/, 'created')),
        at(find('pods', /^db-2$/, 'modified')),
        at(find('jobs', /^manual-report$/, 'deleted')),
      ],
      [
        'pods/api-5b9cd8f657-62pwx < pods/api-5b9cd8f657-62pwx generic-garbage-collector < replicasets/api-5b9cd8f657 generic-garbage-collector < deployments/api alice@example.com',
        'configmaps/kube-root-ca.crt < namespaces/sandbox kubernetes-admin',
        'namespaces/sandbox < namespaces/sandbox kubernetes-admin',
        'pods/db-0 < pods/db-0 bob@example.com',
        'pods/db-2 < pods/db-2 statefulset-controller < statefulsets/db bob@example.com',
        'jobs/manual-report < cronjobs/report alice@example.com',
      ],
    );
  });

  it('says that it is not certain where two causes wait for the same controller', () => {
    // Two of four pods were refused by the quota when bob evicted one of the others: what came next is for either.
    const doubtful = changes.filter(({ causes = [] }) => causes.some(({ certain }) => !certain));
    assert.deepEqual(
      [...new Set(doubtful.map(({ object }) => `${object.resource} ${object.name}`))],
      [
        'pods over-77f5586ddc-4xvng',
        'serviceaccounts default',
        'pods over-77f5586ddc-rvh6h',
        'pods over-77f5586ddc-s4dlb',
      ],
    );
  });

  it('says nothing of people, of status, and of controllers that act on their own', () => {
    // The kubelets of the recording run under a person's name, and act for others all the same.
    const silent = changes
      .filter((change) => !isKubelet(change))
      .filter(
        ({ actor, statusOnly, object }) =>
          statusOnly || actor?.username.startsWith('system:') === false || object.resource === 'endpointslices',
      );
    const talking = silent.filter(({ causes = [], effect }) => causes.length > 0 && effect !== 'deleted');
    assert.deepEqual(talking, []);
  });
});

describe('causes where the record begins in the midst of things', () => {
  const file = useFolder();

  it('are fewer, and never others', async function () {
    this.timeout(120_000);
    const store = (await importShop(file('shop.db'), true)) as SqliteStore;
    const reader = new StoreReader(store, () => Date.now());
    const people = async (): Promise<Map<number, string | undefined>> => {
      const { changes } = await reader.changes({ scope: {}, limit: 1000, causes: true });
      for (const change of changes.filter(isKubelet)) kubelets.add(change.seq);
      return new Map(
        changes.filter((change) => change.source !== 'baseline').map((change) => [change.seq, person(change)]),
      );
    };
    const kubelets = new Set<number>();
    const whole = await people();
    const horizons = new Set<number>();
    const counts = { same: 0, none: 0, noneOfKubelets: 0 };
    // In rollouts, between a pod's end and its successor, amid an eviction and a refusal.
    for (const at of ['06:02.350', '06:20.600', '06:24.900', '07:18.400', '07:23.600', '08:11.400']) {
      while ((await store.fold({ before: time(`2026-11-22T05:${at}Z`), now: Date.now() })) !== null);
      const { seq: first = 0 } = (await store.first()) ?? {};
      horizons.add(first);
      for (const [seq, now] of await people()) {
        const known = whole.get(seq);
        if (now === known) counts.same++;
        else if (now === undefined || now.startsWith('system:'))
          counts[kubelets.has(seq) ? 'noneOfKubelets' : 'none']++;
        else assert.fail(`change ${seq}: ${now}, not ${String(known)}`);
      }
    }
    await store.close();
    assert.equal(horizons.size, 5);
    assert.deepEqual(counts, { same: 2174, none: 107, noneOfKubelets: 93 });
  });
});
