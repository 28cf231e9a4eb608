import assert from 'node:assert/strict';
import { ROUTES } from '../../../shared/api.ts';
import { QUESTIONS } from '../../../shared/questions/table.ts';
import type { ChangePage, JsonObject, ManualPage, Origin } from '../../../shared/types.ts';
import { viewGrant } from '../../testing/api-server/fake-reviews.ts';
import { useFolder } from '../../testing/folder.ts';
import { ALICE, BOB, ReadAccessTest } from '../../testing/server/read-access.ts';

const CONTROLLER = 'system:serviceaccount:argocd:argocd-application-controller';
const REVISION = '9be27d10c4a84ff1b6e3aa01d92c7f5e55667788';

describe('origins and the report of what was done by hand, through the API', () => {
  const file = useFolder();
  let test: ReadAccessTest;
  beforeEach(async () => {
    test = await ReadAccessTest.start(file);
    const operation: JsonObject = { initiatedBy: { username: 'carla' }, sync: { revision: REVISION } };
    const source: JsonObject = { repoURL: 'https://git.example.com/shop/deploy.git', path: 'web' };
    const application = { group: 'argoproj.io', version: 'v1alpha1', resource: 'applications', kind: 'Application' };
    await test.recordNamespace('shop', 'ns-shop');
    await test.recordNamespace('argocd', 'ns-argocd');
    await test.record({ ...application, name: 'web', namespace: 'argocd', username: CONTROLLER, body: { operation, spec: { source } } }); // prettier-ignore
    const metadata = { annotations: { 'argocd.argoproj.io/tracking-id': 'web:/ConfigMap:shop/settings' } };
    const options: JsonObject = { fieldManager: 'argocd-controller' };
    await test.record({ metadata, username: CONTROLLER, options, body: { data: { level: 'info' } } });
  });
  afterEach(() => test.stop());

  async function origin(token: string): Promise<Origin | undefined> {
    const scope = { type: { group: '', resource: 'configmaps' } };
    const search = QUESTIONS.changes.codec.encode({ scope, causes: true, limit: 9 });
    const reply = await test.as(token, `${ROUTES.changes}?${search.toString()}`);
    assert.equal(reply.status, 200, reply.text);
    return (reply.json() as unknown as ChangePage).changes[0]?.origin;
  }

  it('tell of an Application to those who may read it', async () => {
    const found = await origin(BOB);
    assert.deepEqual([found?.application, found?.sources[0]?.revision, found?.startedBy], ['web', REVISION, 'carla']);
  });

  it('follow the rules of the ConfigMap for those who may read it: where a revision is, and which tool nobody knew', async () => {
    test.api.reviews.grants.push(...viewGrant('alice', 'shop'), ...viewGrant('alice', 'argocd'));
    const rules = [
      '- revision: https://git.example.com/{repo}/commit/{revision}',
      '- where: {user: "system:serviceaccount:ci:*", manager: deploy*}',
      '  tool: Our deployer',
    ].join('\n');
    await test.recordNamespace('kubeblame', 'ns-kubeblame');
    await test.record({ name: 'kubeblame-rules', namespace: 'kubeblame', body: { data: { 'rules.yaml': rules } } });
    const url = `https://git.example.com/shop/deploy/commit/${REVISION}`;
    const named = {
      scope: { type: { group: '', resource: 'configmaps' }, namespace: 'shop', names: ['settings', 'other'] },
    };
    const origins = async (token: string): Promise<(Origin | undefined)[]> => {
      const search = QUESTIONS.changes.codec.encode({ ...named, causes: true, limit: 9 });
      const reply = await test.as(token, `${ROUTES.changes}?${search.toString()}`);
      return (reply.json() as unknown as ChangePage).changes.map(({ origin }) => origin);
    };
    assert.deepEqual((await origins(BOB))[0]?.sources[0]?.url, url);
    assert.deepEqual((await origins(ALICE))[0]?.sources[0]?.url, undefined);
    const options: JsonObject = { fieldManager: 'deployer' };
    await test.record({ name: 'other', options, username: 'system:serviceaccount:ci:bot', body: { data: { a: '1' } } });
    const [told] = await origins(BOB);
    assert.deepEqual([told?.tool, told?.why], ['Our deployer', 'a rule of kubeblame-rules']);
    assert.equal((await origins(ALICE))[0], undefined);
  });

  it('tell others no more than the object itself says', async () => {
    test.api.reviews.grants.push(...viewGrant('alice', 'shop'));
    const found = await origin(ALICE);
    assert.deepEqual(
      [found?.tool, found?.application, found?.sources, found?.startedBy, found?.by],
      ['Argo CD', 'web', [], '', null],
    );
  });

  it('count and tell only what the reader may read', async () => {
    test.api.reviews.grants.push(...viewGrant('alice', 'shop'));
    const report = async (token: string): Promise<ManualPage> => {
      const search = QUESTIONS.manual.codec.encode({ scope: {} });
      return (await test.as(token, `${ROUTES.manual}?${search.toString()}`)).json() as unknown as ManualPage;
    };
    const [all, hers] = [await report(BOB), await report(ALICE)];
    assert.deepEqual([all.totals.changes, all.totals.byTools], [4, 2]);
    assert.deepEqual([hers.totals.changes, hers.totals.byTools], [2, 1]);
  });
});
