import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';
import type { JsonObject } from '../shared/types.ts';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { importLandscape, landscapeMarks } from '../webhook/testing/ledgers/landscape-ledger.ts';
import { importShop } from '../webhook/testing/ledgers/shop-ledger.ts';
import { ask } from './testing/ask.ts';
import { assertGolden } from './testing/golden.ts';
import { widthOf } from './views/text.ts';

const AT = '--at 2026-11-22T05:07:06Z';
const INCIDENT = '--at 2026-11-30T13:20:04.226Z';

/** web-config as it is, but for LOG_LEVEL. */
const WITHOUT_LOG_LEVEL = readFileSync(new URL('testing/web-config.yaml', import.meta.url), 'utf8');

const QUESTIONS: [ledger: string, question: string][] = [
  ['shop', `tree deployment/web -n shop ${AT}`],
  ['shop', `tree configmap/web-config -n shop --reverse --depth 4 ${AT}`],
  // Long gone.
  ['shop', 'tree secret/db-credentials -n shop --reverse'],
  ['shop', `impact secret/db-credentials -n shop ${AT}`],
  ['shop', `impact secret/db-credentials -n shop --gone ${AT}`],
  ['shop', `impact -f web-config.yaml ${AT}`],
  ['shop', 'impact 1450'],
  ['west', `tree deployment/web -n storefront ${INCIDENT}`],
  ['west', `impact configmap/catalog-config -n storefront ${INCIDENT}`],
  ['west', `allows deployment/checkout/checkout deployment/payments/payments-api --port 8443 ${INCIDENT}`],
];

interface Reached {
  node: { object?: { kind: string; name: string }; name?: string };
  effect: string;
  certainty: string;
  exposed: boolean;
}

describe('tree and impact', function () {
  this.timeout(60_000);
  const file = useSharedFolder();
  before(async () => {
    await (await importShop(file('shop.db'), true)).close();
    await (await importLandscape(file('west.db'), 'west', true)).close();
  });
  // A day after both recordings.
  const now = Date.parse('2026-12-01T12:00:00Z');
  const answer = (ledger: string, question: string, options = {}) =>
    ask([...question.split(' '), '--db', file(`${ledger}.db`)], { input: WITHOUT_LOG_LEVEL, now, ...options });

  /** What an impact reaches: `deployment web breaks declared`. */
  async function reached(ledger: string, question: string): Promise<string[]> {
    const { code, out, err } = await answer(ledger, `${question} -o json`);
    assert.equal(code, 0, err);
    const { items } = JSON.parse(out) as { items: Reached[] };
    return items.map(({ node, effect, certainty, exposed }) => {
      const name = node.object === undefined ? node.name : `${node.object.kind} ${node.object.name}`;
      return `${name} ${effect} ${certainty}${exposed ? ' EXPOSED' : ''}`;
    });
  }

  for (const columns of [80, 160, null]) {
    it(`print what was looked at, in ${columns === null ? 'a pipe' : `${columns} columns, with and without colours`}`, async () => {
      const parts: string[] = [];
      for (const [ledger, question] of QUESTIONS) {
        const { code, out, err } = await answer(ledger, question, { columns });
        assert.equal(code, 0, err);
        const text = `${err}${out}`;
        assert.deepEqual(text.split('\n').filter((line) => columns !== null && widthOf(line) > columns), [], question); // prettier-ignore
        parts.push(`$ kubectl blame ${question}\n${text}`);
        const coloured = await answer(ledger, question, { columns, colour: 1 });
        assert.equal(stripVTControlCharacters(coloured.out), out, 'colours change no character');
        if (columns === 80) parts.push(coloured.out);
      }
      assertGolden(`landscape-${columns ?? 'pipe'}`, parts.join('\n'));
    });
  }

  it('write who made each edge with -o wide, and pictures', async () => {
    const parts: string[] = [];
    for (const question of [
      `tree deployment/web -n shop --depth 1 ${AT} -o wide`,
      `tree deployment/web -n shop --depth 1 ${AT} -o dot`,
      `impact secret/db-credentials -n shop ${AT} -o mermaid`,
    ]) {
      const { code, out, err } = await answer('shop', question, { columns: 80 });
      assert.equal(code, 0, err);
      parts.push(`$ kubectl blame ${question}\n${out}`);
    }
    assertGolden('landscape-wide-and-pictures', parts.join('\n'));
  });

  it('write documents that the schema describes', async () => {
    const schema = JSON.parse(readFileSync(new URL('../docs/json-schema/v1alpha1.json', import.meta.url), 'utf8')) as JsonObject; // prettier-ignore
    const validator = z.fromJSONSchema(schema);
    const kinds = new Set<string>();
    for (const [ledger, question] of QUESTIONS) {
      const { out } = await answer(ledger, `${question} -o json`);
      const parsed = JSON.parse(out) as JsonObject & { kind: string };
      const result = validator.safeParse(parsed);
      assert.ok(result.success, `${question}: ${JSON.stringify(result.error?.issues ?? []).slice(0, 600)}`);
      kinds.add(parsed.kind);
    }
    assert.deepEqual([...kinds], ['DependencyTree', 'Impact', 'Allowed']);
  });

  it('name web as breaking where web-config is to lose LOG_LEVEL, and all that is behind it', async () => {
    assert.deepEqual(await reached('shop', `impact -f web-config.yaml ${AT}`), [
      'Deployment web breaks declared',
      'Service web breaks selected',
      'Ingress shop breaks selected',
      'shop.example.com breaks selected EXPOSED',
      'PodDisruptionBudget web may notice selected',
    ]);
    const { out } = await answer('shop', `impact -f web-config.yaml ${AT} -o json`);
    const { lost, gained } = JSON.parse(out) as Record<'lost' | 'gained', { key: string; field: string }[]>;
    assert.deepEqual([lost.map(({ key }) => key), gained], [['LOG_LEVEL'], []]);
  });

  it('say that nothing changes where a manifest is what the cluster has', async () => {
    const { out: input } = await answer('shop', `configmap web-config -n shop ${AT} -o yaml`);
    const { code, out, err } = await answer('shop', `impact -f web-config.yaml ${AT}`, { input });
    assert.deepEqual([code, out], [0, '']);
    assert.match(err, /^# configmap shop\/web-config: nothing changes\n/);
  });

  it('tell what a Service breaks whose selector is to match nothing', async () => {
    const { out } = await answer('shop', `service web -n shop ${AT} -o yaml`);
    const input = out.replace(/( selector:\n +)[^:]+: .*\n/, '$1app: nobody\n');
    assert.notEqual(input, out);
    const { out: json } = await answer('shop', `impact -f service.yaml ${AT} -o json`, { input });
    const { items } = JSON.parse(json) as { items: Reached[] };
    assert.deepEqual(
      items.map(({ node, effect }) => `${node.object?.kind ?? node.name} ${effect}`),
      ['Service breaks', 'Ingress breaks', 'shop.example.com breaks'],
    );
  });

  it('tell that a new manifest breaks itself where it needs what does not exist', async () => {
    const input = `apiVersion: v1
kind: Pod
metadata: {name: new, namespace: shop}
spec:
  containers: [{name: a, image: b, envFrom: [{secretRef: {name: nowhere}}]}]
`;
    const { out } = await answer('shop', `impact -f pod.yaml ${AT}`, { input, columns: 160 });
    assert.match(
      out,
      /^\+ pod\/new {4,}uses +secret\/nowhere +missing: spec\.containers\[a\]\.envFrom\[0\]\.secretRef\.name$/m,
    );
    assert.match(out, /└─ pod\/new +breaks +missing: spec/);
  });

  it('tell what the deletion of a ConfigMap broke, by its ID', async () => {
    const history = await answer('west', 'configmap catalog-config -n storefront -o json');
    const { items } = JSON.parse(history.out) as { items: { seq: number; effect: string }[] };
    const deletion = items.find(({ effect }) => effect === 'deleted')?.seq ?? 0;
    const [first, second] = await reached('west', `impact ${deletion}`);
    assert.deepEqual([first, second], ['Deployment catalog breaks declared', 'Service catalog breaks selected']);
  });

  it('tell whose change of a NetworkPolicy no longer lets checkout in, and since when', async () => {
    const pair = 'allows deployment/checkout/checkout deployment/payments/payments-api --port 8443 -o json';
    const verdicts: Record<string, unknown> = {};
    for (const { mark, at } of landscapeMarks().slice(1)) {
      const { code, out, err } = await answer('west', `${pair} --at ${new Date(at).toISOString()}`);
      assert.equal(code, 0, err);
      const { verdict, policies } = JSON.parse(out) as { verdict: string; policies: { by: { seq: number; actor: { username: string } } }[] }; // prettier-ignore
      verdicts[mark] = [verdict, ...policies.map(({ by }) => by.actor.username)];
    }
    const [flux, carol] = ['system:serviceaccount:flux-system:kustomize-controller', 'carol@example.com'];
    assert.deepEqual(verdicts, {
      '01-release-24.3': ['yes', flux],
      '02-hotfix-healed': ['yes', flux],
      '03-west-24.4': ['yes', flux],
      '04-east-behind': ['yes', flux],
      '05-switched': ['no', carol],
      '06-incident': ['no', carol],
      '07-recovered': ['no', carol],
      '08-end': ['no', carol],
    });
  });

  it('call nothing missing where a gap in recording lies', async () => {
    // Both recordings end before: nothing is known of now.
    const { code, out, err } = await answer('west', 'impact configmap/catalog-config -n storefront');
    assert.equal(code, 0, err);
    assert.doesNotMatch(out + err, /missing/);
    assert.match(err, /^# not recorded since 2026-11-30T13:21:17\.288Z/m);
    const { out: covered } = await answer('west', `tree deployment/catalog -n storefront ${INCIDENT}`);
    const { out: after } = await answer('west', 'tree ingress/shop -n storefront');
    assert.match(covered, /missing: /);
    assert.match(after, /not seen: spec\.tls/);
    assert.doesNotMatch(after, /missing/);
  });

  it('refuse what does not go together, and say what to do', async () => {
    for (const [question, message] of [
      ['tree deployment -n shop', 'it is asked of one object'],
      ['impact', 'impact of what?'],
      ['impact 5 -f x.yaml', '-f and 5 do not go together'],
      ['impact 5 --gone', '--gone and an ID do not go together'],
      ['impact deployment/web -n shop --depth 21', '--depth may be at most 20'],
      ['allows deployment deployment/api -n shop', '"deployment" is not TYPE/NAME'],
      ['allows deployment/web deployment/api -n shop --port 99999', '--port: "99999" is no port'],
    ] as const) {
      const { code, out, err } = await answer('shop', question);
      assert.deepEqual([code, out, err.split('\n')[0]], [2, '', `error: ${message}`], question);
    }
    const { code, err } = await answer('shop', 'tree deployment/wbe -n shop');
    assert.deepEqual([code, err], [3, 'error: the ledger has no deployment "wbe" in namespace shop\nhint: similar: web\n']); // prettier-ignore
  });
});
