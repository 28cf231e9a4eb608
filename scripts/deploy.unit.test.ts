import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { JsonObject } from '../shared/types.ts';
import { useFolder } from '../webhook/testing/folder.ts';
import { idOf, objectsOf, withComponents } from './chart.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COMPONENTS = ['native-api', 'cert-manager', 'protection', 'jobs'];

describe('make', () => {
  const file = useFolder();
  before(function () {
    if (spawnSync('kubectl', ['kustomize', '--help']).error === undefined) return;
    process.stderr.write('\n!!! MAKE DEPLOY AND UNDEPLOY ARE NOT TESTED: there is no kubectl here\n\n');
    this.skip();
  });

  /** Runs a target with a kubectl that writes down what it is asked, and knows where its API server is. */
  function make(...args: string[]): string[] {
    mkdirSync(file('bin'), { recursive: true });
    const script =
      `#!/bin/sh\necho "$*" >>'${file('asked')}'\n` +
      'case "$*" in *endpointslices*) printf "192.0.2.7 2001:db8::7";; *"service kubernetes"*) printf 10.96.0.1;; esac\n';
    writeFileSync(file('bin/kubectl'), script);
    chmodSync(file('bin/kubectl'), 0o755);
    const env = { ...process.env, PATH: `${file('bin')}${delimiter}${process.env.PATH ?? ''}` };
    execFileSync('make', ['-s', '-C', ROOT, ...args], { env });
    return readFileSync(file('asked'), 'utf8').trim().split('\n');
  }

  it('undeploy removes the APIService first, then every object of every overlay that is in no namespace of its own', async () => {
    const asked = make('undeploy').map((line) => line.replace('delete --ignore-not-found ', '').split(' '));
    assert.deepEqual(asked.slice(0, 2), [
      ['clusterrolebinding', 'kubeblame-apiservice'],
      ['apiservice', 'v1alpha1.kubeblame.io'],
    ]);
    const removed = new Set<string>();
    for (const [kind = '', name = ''] of asked) {
      if (kind !== '-k') removed.add(`${kind}//${name}`.toLowerCase());
      else for (const object of objectsOf(ROOT + name)) removed.add(idOf(object).toLowerCase());
    }
    const all = [...(await withComponents(ROOT, COMPONENTS)), ...objectsOf(`${ROOT}manifests/monitoring`)];
    const namespaceOf = ({ metadata }: JsonObject): unknown => (metadata as JsonObject).namespace;
    const left = all
      .filter((object) => namespaceOf(object) !== 'kubeblame')
      .map((object) => idOf(object).toLowerCase());
    assert.ok(left.length > 12);
    assert.deepEqual(
      left.filter((id) => !removed.has(id)),
      [],
    );
    assert.ok(removed.has('validatingwebhookconfiguration//kubeblame'));
  });

  it('deploy installs the image and the components that it is told, and lets them out to the API server alone', () => {
    const asked = make('deploy', 'IMAGE=r.example.com/k:1', 'CLUSTER=prod', `WITH=${COMPONENTS.join(',')}`);
    assert.ok(asked.includes('apply -k dist/deploy'));
    const objects = objectsOf(`${ROOT}dist/deploy`);
    const text = JSON.stringify(objects);
    assert.equal(text.includes('kubeblame:dev'), false);
    assert.equal(text.split('"image":"r.example.com/k:1"').length - 1, 4);
    assert.match(text, /\{"name":"KUBEBLAME_CLUSTER","value":"prod"\}/);
    const to = ['10.96.0.1/32', '192.0.2.7/32', '2001:db8::7/128'].map((cidr) => ({ ipBlock: { cidr } }));
    for (const name of ['kubeblame', 'kubeblame-gateway']) {
      const policy = objects.find((object) => idOf(object) === `NetworkPolicy/kubeblame/${name}`);
      assert.deepEqual((policy?.spec as { egress: JsonObject[] }).egress[0]?.to, to);
    }
  });

  it('deploy without more installs the base', () => {
    make('deploy', 'IMAGE=r.example.com/k:1');
    assert.deepEqual(objectsOf(`${ROOT}dist/deploy`).map(idOf).sort(), objectsOf(`${ROOT}manifests`).map(idOf).sort());
  });
});

describe('the release workflow', () => {
  interface Step {
    uses?: string;
    run?: string;
    with?: Record<string, unknown>;
    env?: Record<string, string>;
  }
  const text = readFileSync(`${ROOT}.github/workflows/release.yml`, 'utf8');
  const { jobs } = parse(text) as { jobs: Record<string, { needs?: string; steps: Step[] }> };

  it('builds an image for two architectures, with SBOM and provenance, and signs it by its digest', () => {
    const steps = jobs.image?.steps ?? [];
    const build = steps.findIndex(({ uses }) => uses?.startsWith('docker/build-push-action@') === true);
    const { platforms, sbom, provenance, push } = steps[build]?.with ?? {};
    assert.deepEqual([platforms, sbom, provenance, push], ['linux/amd64,linux/arm64', true, 'mode=max', true]);
    const sign = steps.findIndex(({ run }) => run?.startsWith('cosign sign ') === true);
    assert.ok(sign > build);
    assert.match(steps[sign]?.run ?? '', /"\$IMAGE@\$DIGEST"$/);
    assert.equal(steps[sign]?.env?.DIGEST, '${{ steps.build.outputs.digest }}');
  });

  it('releases nothing that was not tested', () => {
    assert.deepEqual([jobs.image?.needs, jobs.files?.needs], ['test', 'image']);
    assert.ok(jobs.test?.steps.some(({ run }) => run === 'make test'));
    // And with the Node that is in the image.
    const [, node] = /^FROM node:(\d+)-[a-z]+-slim$/m.exec(readFileSync(`${ROOT}Dockerfile`, 'utf8')) ?? [];
    const setup = jobs.test?.steps.find(({ uses }) => uses?.startsWith('actions/setup-node@') === true);
    assert.equal(String(setup?.with?.['node-version']), node);
  });
});

describe('the manifests', () => {
  before(function () {
    if (spawnSync('kubectl', ['kustomize', '--help']).error !== undefined) this.skip();
  });

  it('hold no APIService: the server registers it once gateways answer', async () => {
    const kinds = (await withComponents(ROOT, COMPONENTS)).map(({ kind }) => kind);
    assert.equal(kinds.includes('APIService'), false);
  });

  for (const component of COMPONENTS) {
    it(`have the overlay ${component}, which is the base with that component`, async () => {
      assert.deepEqual(objectsOf(`${ROOT}manifests/overlays/${component}`), await withComponents(ROOT, [component]));
    });
  }

  it('let every pod out to named destinations only', async () => {
    const policies = (await withComponents(ROOT, COMPONENTS)).filter(({ kind }) => kind === 'NetworkPolicy');
    assert.equal(policies.length, 3);
    for (const { spec } of policies) {
      const { egress = [], policyTypes } = spec as { egress?: JsonObject[]; policyTypes: string[] };
      assert.ok(policyTypes.includes('Egress'));
      for (const { to } of egress) assert.ok(Array.isArray(to) && to.length > 0);
    }
    assert.equal(JSON.stringify(policies).includes('0.0.0.0/0'), false);
  });

  it('share one volume among the replicas, on one node, and let the Service find the one that records', () => {
    const objects = objectsOf(`${ROOT}manifests`);
    const find = (kind: string, name: string): JsonObject =>
      objects.find((object) => object.kind === kind && (object.metadata as JsonObject).name === name) ?? {};
    interface Pod {
      affinity: { podAffinity: Record<string, { topologyKey: string; labelSelector: { matchLabels: JsonObject } }[]> };
      terminationGracePeriodSeconds: number;
      volumes: { name: string; persistentVolumeClaim?: { claimName: string } }[];
    }
    const { spec } = find('StatefulSet', 'kubeblame') as unknown as {
      spec: { replicas: number; volumeClaimTemplates?: unknown; template: { metadata: JsonObject; spec: Pod } };
    };
    const { volumes, affinity, terminationGracePeriodSeconds } = spec.template.spec;
    assert.deepEqual([spec.replicas, spec.volumeClaimTemplates], [2, undefined]);
    const claim = volumes.find(({ name }) => name === 'ledger')?.persistentVolumeClaim?.claimName ?? '';
    assert.equal(find('PersistentVolumeClaim', claim).kind, 'PersistentVolumeClaim');
    const [term] = affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    assert.equal(term?.topologyKey, 'kubernetes.io/hostname');
    const labels = spec.template.metadata.labels as JsonObject;
    for (const [key, value] of Object.entries(term.labelSelector.matchLabels)) assert.equal(labels[key], value);
    const { selector } = find('Service', 'kubeblame').spec as { selector: JsonObject };
    assert.equal(selector['kubeblame.io/active'], 'true');
    assert.equal(labels['kubeblame.io/active'], undefined, 'a server labels itself');
    // What a stop may take: STOP_MS of webhook/programs/commands/serve.ts.
    assert.ok(terminationGracePeriodSeconds > 50);
  });

  it('say how much history is kept, and less than the volume holds', () => {
    const text = JSON.stringify(objectsOf(`${ROOT}manifests`));
    const [, kept] = /"KUBEBLAME_RETAIN_SIZE","value":"(\d+)Gi"/.exec(text) ?? [];
    const [, volume] = /"storage":"(\d+)Gi"/.exec(text) ?? [];
    assert.ok(Number(kept) <= 0.75 * Number(volume), `${kept} of ${volume} GiB`);
    assert.match(text, /"KUBEBLAME_RETAIN_AGE"/);
  });
});
