import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * `node scripts/deployment.mjs`: writes a kustomization for kubectl's current cluster to dist/deploy, from the variables
 * IMAGE, CLUSTER (its name; may be empty) and WITH (components of manifests/, separated by commas; may be empty). kubectl's
 * kustomize reads no variables. It asks the cluster where its API server is: the NetworkPolicies let out to there alone.
 */

const CONTAINERS = '/spec/template/spec/containers/0';
const JOB_IMAGE = '/spec/jobTemplate/spec/template/spec/containers/0/image';

/** `addresses`: of the API server; none where they are not known, and then the manifests' private addresses stay. */
export function kustomization({ image, cluster, components, addresses }) {
  const patch = (kind, ...operations) => ({
    target: { kind, namespace: 'kubeblame' },
    patch: JSON.stringify(operations),
  });
  const imageAt = (path) => ({ op: 'replace', path, value: image });
  const named =
    cluster === ''
      ? []
      : [{ op: 'add', path: `${CONTAINERS}/env/-`, value: { name: 'KUBEBLAME_CLUSTER', value: cluster } }];
  const to = addresses.map((address) => ({ ipBlock: { cidr: `${address}/${address.includes(':') ? 128 : 32}` } }));
  const narrowed = ['kubeblame', 'kubeblame-gateway'].map((name) => ({
    target: { kind: 'NetworkPolicy', name },
    patch: JSON.stringify([{ op: 'replace', path: '/spec/egress/0/to', value: to }]),
  }));
  const has = (name) => components.includes(name);
  return {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: ['../../manifests/base'],
    components: components.map((name) => `../../manifests/components/${name}`),
    patches: [
      patch('StatefulSet', imageAt(`${CONTAINERS}/image`), ...named),
      ...(has('native-api') ? [patch('Deployment', imageAt(`${CONTAINERS}/image`))] : []),
      ...(has('jobs') ? [patch('CronJob', imageAt(JOB_IMAGE))] : []),
      ...(to.length === 0 ? [] : narrowed.slice(0, has('native-api') ? 2 : 1)),
    ],
  };
}

/** Behind and before its Service: network plugins look at one or the other. */
function apiServerAddresses() {
  const ask = (...args) => execFileSync('kubectl', ['get', '-n', 'default', ...args], { encoding: 'utf8' });
  const endpoints = ask(
    'endpointslices',
    '-l',
    'kubernetes.io/service-name=kubernetes',
    '-o',
    'jsonpath={.items[*].endpoints[*].addresses[*]}',
  );
  const service = ask('service', 'kubernetes', '-o', 'jsonpath={.spec.clusterIPs[*]}');
  return [...new Set(`${endpoints} ${service}`.split(/\s+/).filter((address) => address !== ''))].sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { IMAGE: image = 'kubeblame:dev', CLUSTER: cluster = '', WITH = '' } = process.env;
  const components = WITH.split(',').map((name) => name.trim()).filter((name) => name !== ''); // prettier-ignore
  const folder = join(resolve(import.meta.dirname, '..'), 'dist/deploy');
  mkdirSync(folder, { recursive: true });
  const addresses = apiServerAddresses();
  console.log(`API server: ${addresses.join(', ')}`);
  const text = JSON.stringify(kustomization({ image, cluster, components, addresses }), null, 2);
  writeFileSync(join(folder, 'kustomization.yaml'), `${text}\n`);
}
