import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { actsOf, firstSeq, type Act } from '../../../../shared/acts/acts.ts';
import { SHOP } from '../../../../shared/testing/shop.ts';
import type { Change } from '../../../../shared/types.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { openSqliteReader } from '../../../ledger/sqlite/store/store.ts';
import { useSharedFolder } from '../../folder.ts';
import { importLandscape, LANDSCAPE } from '../../ledgers/landscape-ledger.ts';
import { importShop } from '../../ledgers/shop-ledger.ts';

/*
 * The story against the recordings' own lists of what people and robots did. Each action that changed something is told
 * by an act of its own, with the verb of the command, under the name of who ran it.
 */
interface Action {
  at: number;
  user: string;
  run: string;
  cluster: string;
}

const USERS: Record<string, string> = {
  admin: 'kubernetes-admin',
  'ci-bot': 'system:serviceaccount:shop:ci-bot',
};

/** Quotes in what was run are not escaped in one of the lists. */
function actionsOf(path: string): Action[] {
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [, at = '', cluster = '', as = '', run = ''] =
        /^\{"at":"(.*?)",(?:"cluster":"(.*?)",)?"as":"(.*?)","run":"(.*)"\}$/.exec(line) ?? [];
      const impersonated = /^--as=(\S+)/.exec(run)?.[1];
      const user = impersonated ?? USERS[as] ?? (as.includes(':') ? as : `${as}@example.com`);
      return { at: Date.parse(at), user, run, cluster };
    });
}

/** The verb that a command line asks for; scripts that the lists only name are told apart by hand. */
function verbsOf(run: string): string[] {
  const named: Record<string, string[]> = {
    'server-side apply': ['applied'],
    'apply over ssa force-conflicts': ['applied'],
    'create feature': ['applied'],
    quota: ['applied'],
    'set image api': ['set image of'],
    generateName: ['created'],
    finalizer: ['applied'],
    replace: ['replaced'],
    'blue-green: deployment cart-green': ['created'],
  };
  const rules: [RegExp, string][] = [
    [/\bset image\b/, 'set image of'],
    [/\brollout undo\b/, 'rolled back'],
    [/\brollout restart\b/, 'restarted'],
    [/\buncordon\b/, 'uncordoned'],
    [/\bdrain\b/, 'drained'],
    [/\bscale\b/, 'scaled'],
    [/\blabel\b/, 'labelled'],
    [/\bannotate\b/, 'annotated'],
    [/field-manager=argocd.* -p \{\\?"operation\\?":\{/, 'synced'],
    [/\bpatch\b/, 'patched'],
    [/\bapply\b/, 'applied'],
    [/^edit\b/, 'edited'],
    [/\bcreate -f - --field-manager=helm/, 'applied'],
    [/\bcreate\b/, 'created'],
    [/\bdelete\b/, 'deleted'],
  ];
  return (
    named[run] ??
    rules
      .filter(([pattern]) => pattern.test(run))
      .slice(0, 1)
      .map(([, verb]) => verb)
  );
}

/** What an action was, where it is not told. A controller's report of its own status is hidden, as in every history. */
function nothingText({ user, run }: Action): string {
  const [, name] = /patch (?:application|kustomization) (\S+) .*(?:Succeeded|lastAppliedRevision)/.exec(run) ?? [];
  return name === undefined ? `${user.replace('@example.com', '')}: ${run.slice(0, 60)}` : `status of ${name}`;
}

async function storyOf(path: string): Promise<Act[]> {
  const reader = new StoreReader(openSqliteReader(path), () => Date.parse('2026-12-24T12:00:00Z'));
  const changes: Change[] = [];
  for (let before: number | null | undefined; before !== null;) {
    const page = await reader.changes({ scope: {}, limit: 1000, causes: true, ...(before === undefined ? {} : { before }) }); // prettier-ignore
    changes.push(...page.changes);
    before = page.next;
  }
  await reader.close();
  return actsOf(changes);
}

interface Row {
  action: Action;
  /** The acts that hold a change of it. */
  acts: Act[];
  /** True where one of them holds changes of an earlier action too. */
  together: boolean;
}

/** Gives each change of an act to the last action of its user before it. */
function told(acts: readonly Act[], actions: readonly Action[]): Row[] {
  const rows = actions.map((action): Row => ({ action, acts: [], together: false }));
  for (const act of [...acts].reverse()) {
    // The scripts behind the lists sign in as robots with tokens, which the lists do not name.
    if (act.kind !== 'person' || act.verb === 'requested a token for') continue;
    const own = new Set(
      act.changes.map(({ at }) =>
        rows.findLast(({ action }) => action.user === act.actor?.username && action.at <= at),
      ),
    );
    for (const [index, row] of [...own].entries()) {
      assert.ok(row !== undefined, `act ${firstSeq(act)}: ${act.verb}`);
      row.acts.push(act);
      row.together ||= index > 0;
    }
  }
  return rows;
}

/** Argo CD takes up an operation that was asked for: that is told beneath the request for it. */
const TAKES_UP = /patch application (\S+) .*"operation\\?":null/;

function check(rows: readonly Row[]): { named: number; nothing: string[]; together: string[]; beneath: string[] } {
  const nothing: string[] = [];
  const together: string[] = [];
  const beneath: string[] = [];
  let named = 0;
  for (const { action, acts, together: shared } of rows) {
    const title = `${new Date(action.at).toISOString()} ${action.user} ${action.run.slice(0, 80)}`;
    if (acts.length === 0) {
      const [, application] = TAKES_UP.exec(action.run) ?? [];
      if (application === undefined) nothing.push(nothingText(action));
      else beneath.push(application);
      continue;
    }
    named++;
    if (shared) together.push(action.run.replace(/ --force-conflicts/, ''));
    // Self-heal is an apply of what was applied before.
    const verbs = [...new Set(acts.map(({ verb }) => (verb === 'healed' ? 'applied' : verb)))];
    const scripted = SCRIPTED[action.run];
    assert.deepEqual(verbs, scripted ?? verbsOf(action.run), title);
    // One command is one act; only a script of several commands has more.
    if (scripted === undefined && !SEVERAL.has(action.run)) assert.equal(acts.length, 1, title);
  }
  return { named, nothing, together, beneath };
}

/** Commands that a script ran under the name of its user after the one that the list has. */
const SCRIPTED: Record<string, string[]> = {
  'ci-bot': ['created', 'deleted'],
};
/** Actions that are several commands of one user. */
const SEVERAL = new Set(['ci-bot', 'drain node-2 --ignore-daemonsets --delete-emptydir-data --force --timeout=20s']);

describe('the story, on the recordings', () => {
  const file = useSharedFolder();

  it('names all of the shop’s actions that changed something, each once, with its verb', async function () {
    this.timeout(60_000);
    await (await importShop(file('shop.db'), true)).close();
    const actions = actionsOf(`${SHOP}actions.ndjson`);
    assert.equal(actions.length, 66);
    const { named, nothing, together } = check(told(await storyOf(file('shop.db')), actions));
    assert.deepEqual(together, []);
    assert.deepEqual(nothing, NOTHING.shop);
    assert.equal(named, 66 - NOTHING.shop.length);
  });

  for (const cluster of ['west', 'east'] as const) {
    it(`names all actions of ${cluster} that changed something, each once, with its verb`, async function () {
      this.timeout(60_000);
      await (await importLandscape(file(`${cluster}.db`), cluster, true)).close();
      const actions = actionsOf(`${LANDSCAPE}actions.ndjson`).filter((action) => action.cluster === cluster);
      const acts = await storyOf(file(`${cluster}.db`));
      const { named, nothing, together, beneath } = check(told(acts, actions));
      assert.deepEqual(together, TOGETHER[cluster]);
      assert.deepEqual(nothing, NOTHING[cluster]);
      const followed = acts
        .filter(({ verb }) => verb === 'synced')
        .flatMap(({ consequences }) => consequences.map(({ object }) => object.name));
      assert.deepEqual(followed.reverse(), beneath);
      assert.deepEqual(beneath, BENEATH[cluster]);
      assert.equal(acts.filter(({ verb }) => verb === 'healed').length, cluster === 'west' ? 1 : 0);
      assert.equal(named, actions.length - NOTHING[cluster].length - beneath.length);
    });
  }
});

/** Programs' actions that one act tells with the one before: Applications made at once, and a release of Helm with its record. */
const TOGETHER = {
  west: [
    'create -f - --field-manager=argocd-server',
    'create -f - --field-manager=argocd-server',
    'apply --server-side --field-manager=helm -f -',
    'apply --server-side --field-manager=helm -f -',
  ],
  east: [
    'create -f - --field-manager=argocd-server',
    'create -f - --field-manager=argocd-server',
    'apply --server-side --field-manager=helm -f -',
    'apply --server-side --field-manager=helm -f -',
  ],
};

/** The Applications whose operations Argo CD took up, in turn. */
const BENEATH = {
  west: [
    ...['shop-web', 'shop-cart', 'shop-catalog', 'shop-web', 'shop-web', 'shop-cart', 'shop-catalog'],
    'shop-catalog',
  ],
  east: ['shop-web', 'shop-cart', 'shop-catalog', 'shop-web', 'shop-catalog'],
};

/** Dry runs, what was refused or forbidden, and what changed nothing, or nothing but status by a controller. */
const NOTHING: Record<'shop' | 'west' | 'east', string[]> = {
  shop: [
    'alice: apply -f shop.yaml --dry-run=server',
    // Nothing was different.
    'alice: apply -f shop.yaml',
    // The quota refused them, and so there was nothing to delete.
    'alice: -n sandbox create configmap c1 --from-literal=a=1',
    'alice: -n sandbox create configmap c2 --from-literal=a=1',
    'alice: -n sandbox create configmap c3 --from-literal=a=1',
    'carol: --as=carol@example.com --as-group=system:masters -n sandbox ',
    'bob: -n sandbox delete configmap c1',
    'carol: --as=carol@example.com --as-group=system:masters -n sandbox ',
    'system:serviceaccount:shop:ci-bot: forbidden',
    'alice: generateName',
    // There were two already.
    'bob: -n shop scale statefulset/db --replicas=2',
  ],
  west: [
    ...['status of shop-web', 'status of shop-cart', 'status of shop-catalog', 'status of payments'],
    ...[
      'status of shop-web',
      'status of shop-web',
      'status of shop-cart',
      'status of shop-catalog',
      'status of payments',
    ],
    'alice: -n payments auth can-i delete secrets --as=mallory@example.c',
    'mallory: --as=mallory@example.com -n payments delete secret ledger-db',
    'status of shop-catalog',
  ],
  east: [
    ...['status of shop-web', 'status of shop-cart', 'status of shop-catalog'],
    ...['status of shop-web', 'status of shop-catalog'],
  ],
};
