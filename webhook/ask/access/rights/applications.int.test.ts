import assert from 'node:assert/strict';
import { ROUTES } from '../../../../shared/api.ts';
import { QUESTIONS } from '../../../../shared/questions/table.ts';
import type { ApplicationPage, JsonObject } from '../../../../shared/types.ts';
import { viewGrant } from '../../../testing/api-server/fake-reviews.ts';
import { useFolder } from '../../../testing/folder.ts';
import { ALICE, BOB, ReadAccessTest } from '../../../testing/server/read-access.ts';

const RULES_OF_ALL = '- {where: {namespace: shop}, team: sellers}\n';

describe('applications, through the API', () => {
  const file = useFolder();
  let test: ReadAccessTest;
  beforeEach(async () => {
    test = await ReadAccessTest.start(file);
  });
  afterEach(() => test.stop());

  async function recordWorkloads(): Promise<void> {
    for (const namespace of ['shop', 'bank']) {
      await test.recordNamespace(namespace, `ns-${namespace}`);
      const labels = { 'app.kubernetes.io/instance': namespace };
      const container: JsonObject = { name: 'web', image: 'web:1', envFrom: [{ secretRef: { name: 'pass' } }] };
      const body: JsonObject = { spec: { template: { spec: { containers: [container] } } } };
      await test.record({ namespace, name: 'web', resource: 'deployments', kind: 'Deployment', group: 'apps', metadata: { labels }, body }); // prettier-ignore
      await test.record({ namespace, name: 'pass', resource: 'secrets', kind: 'Secret' });
    }
  }
  async function ask(token: string, query: { name?: string; rules?: string } = {}): Promise<ApplicationPage> {
    const search = QUESTIONS.applications.codec.encode({ at: Date.now(), ...query });
    const reply = await test.as(token, `${ROUTES.applications}?${search.toString()}`);
    assert.equal(reply.status, 200, reply.text);
    return reply.json() as unknown as ApplicationPage;
  }
  const names = ({ applications }: ApplicationPage): string[] => applications.map(({ name }) => name);
  const members = ({ applications }: ApplicationPage): string[] =>
    (applications[0]?.members ?? []).map(({ object }) => `${object.kind}/${object.name}`);

  it('are those of what the reader may read, also in the members and in what belongs to none', async () => {
    await recordWorkloads();
    test.api.reviews.grants.push(...viewGrant('alice', 'shop'));
    assert.deepEqual(names(await ask(BOB)), ['bank', 'shop']);
    assert.deepEqual(members(await ask(BOB, { name: 'shop' })), ['Deployment/web', 'Secret/pass']);
    const page = await ask(ALICE);
    assert.deepEqual([names(page), page.none, page.shared], [['shop'], [], []]);
    assert.deepEqual(members(await ask(ALICE, { name: 'shop' })), ['Deployment/web']);
    assert.deepEqual(names(await ask(ALICE, { name: 'bank' })), []);
  });

  it('follow the recorded rules where the reader may read them, and rules that come with the question', async () => {
    await recordWorkloads();
    const data = { 'rules.yaml': RULES_OF_ALL };
    await test.record({ namespace: 'kubeblame', name: 'kubeblame-rules', body: { data } });
    test.api.reviews.grants.push(...viewGrant('alice', 'shop'));
    const teams = async (token: string, rules?: string) =>
      (await ask(token, { name: 'shop', ...(rules === undefined ? {} : { rules }) })).applications[0]?.teams;
    assert.deepEqual(await teams(BOB), ['sellers']);
    assert.deepEqual(await teams(ALICE), []);
    assert.deepEqual(await teams(ALICE, '- {where: {}, team: mine}'), ['mine']);
  });

  it('say why recorded rules do not apply, and refuse a question with rules that cannot be read', async () => {
    await recordWorkloads();
    const data = { 'rules.yaml': '- {where: {}, team: a}\n- {where: {}, tema: b}\n' };
    await test.record({ namespace: 'kubeblame', name: 'kubeblame-rules', body: { data } });
    const { rulesProblem, applications } = await ask(BOB);
    assert.match(
      rulesProblem,
      /^ConfigMap kubeblame\/kubeblame-rules, rules\.yaml, line 2: has the unknown key "tema"/,
    );
    assert.equal(applications.length, 2);
    const search = QUESTIONS.applications.codec.encode({ at: 0, rules: 'x' }).toString();
    const reply = await test.as(BOB, `${ROUTES.applications}?${search}`);
    assert.deepEqual([reply.status, (reply.json().error as JsonObject).code], [400, 'query-invalid']);
  });
});
