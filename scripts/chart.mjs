import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments, stringify } from 'yaml';
import { emit, expression, when } from './chart-yaml.mjs';

/*
 * `node scripts/chart.mjs`: makes the Helm chart in manifests/chart from the kustomize manifests, which stay the one
 * source. What a value decides is named here, by its place in an object. A test renders the chart with its default values,
 * and compares that with the manifests. Needs kubectl, for its kustomize.
 */

/** Parts that a value switches on: the kustomize component, and the value. */
const COMPONENTS = { 'native-api': 'nativeApi', 'cert-manager': 'certManager', protection: 'protection', jobs: 'jobs' };

/** The claim of the ledger's volume. */
const LEDGER = 'ledger-kubeblame-0';
const NAMESPACE = '{{ .Release.Namespace }}';

/** The files of the chart, by their paths in it. `root`: of the project. */
export async function chartFiles(root) {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const base = objectsOf(join(root, 'manifests'));
  const files = { 'Chart.yaml': chartYaml(version) };
  const set = structuredClone(find(base, 'StatefulSet', 'kubeblame'));
  for (const [component, value] of Object.entries(COMPONENTS)) {
    const objects = await withComponent(root, component);
    const known = new Set(base.map(idOf));
    mergeInto(set, find(objects, 'StatefulSet', 'kubeblame'), `.Values.${value}.enabled`);
    const added = objects.filter((object) => !known.has(idOf(object)));
    files[`templates/${component}.yaml`] = template(added.map(withValues), `.Values.${value}.enabled`);
  }
  const rest = base.filter(({ kind }) => !['Namespace', 'StatefulSet'].includes(kind));
  files['templates/base.yaml'] = template([...rest, set].map(withValues));
  for (const object of objectsOf(join(root, 'manifests/monitoring'))) {
    const value = { PodMonitor: 'podMonitor', PrometheusRule: 'prometheusRule', ConfigMap: 'dashboard' }[object.kind];
    files[`templates/${value}.yaml`] = template([withValues(object)], `.Values.monitoring.${value}`);
  }
  files['values.yaml'] = await values(root, base);
  return files;
}

/** What kubectl would apply. Throws where there is no kubectl. */
export function objectsOf(folder) {
  const text = execFileSync('kubectl', ['kustomize', folder], { encoding: 'utf8', maxBuffer: 1 << 26 });
  return parseAllDocuments(text).map((document) => document.toJS());
}

/** The base with some components, as an operator would combine them. */
export async function withComponents(root, components) {
  const folder = await mkdtemp(join(tmpdir(), 'kubeblame-kustomize-'));
  try {
    const path = (to) => relative(folder, join(root, 'manifests', to));
    const kustomization = { resources: [path('base')], components: components.map((one) => path(`components/${one}`)) };
    await writeFile(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
    return objectsOf(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const withComponent = (root, component) => withComponents(root, [component]);

export function idOf({ kind, metadata }) {
  return `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
}

function find(objects, kind, name) {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`the manifests have no ${kind} ${name}`);
  return found;
}

/** Adds the items of lists that a component adds, each under its condition. Anything else that it changes is an error. */
function mergeInto(target, changed, condition) {
  if (Array.isArray(target)) {
    const text = JSON.stringify;
    const own = target.filter((item) => item?.condition === undefined).map(text);
    const isNamed = changed.every((item) => typeof item === 'object' && 'name' in item);
    const added = changed.filter((item) => !own.includes(text(item)));
    if (changed.length === own.length && added.length > 0 && isNamed) {
      const plain = target.filter((item) => item?.condition === undefined);
      for (const [index, item] of plain.entries()) mergeInto(item, changed[index], condition);
      return;
    }
    if (added.length + own.length !== changed.length)
      throw new Error(`a component changes more than it adds: ${text(changed)}`);
    target.push(...added.map((item) => when(condition, item)));
    return;
  }
  for (const [key, value] of Object.entries(changed)) {
    if (typeof value === 'object' && value !== null && target[key] !== undefined)
      mergeInto(target[key], value, condition);
    else if (target[key] === undefined)
      throw new Error(`a component adds ${key}: say here what that means to the chart`);
    else if (target[key] !== value) throw new Error(`a component changes ${key} to ${value}`);
  }
}

const json = (value) => expression(`{{ toJson .Values.${value} }}`);
const given = (value) => when(`.Values.${value}`, json(value));

/** An object with what values decide about it. */
function withValues(original) {
  const object = structuredClone(original);
  const { kind, metadata, spec } = object;
  const pod = spec?.template?.spec ?? spec?.jobTemplate?.spec?.template?.spec;
  const name = metadata.name;
  if (pod !== undefined) podValues(pod);
  if (kind === 'StatefulSet') setValues(spec, pod);
  if (kind === 'Deployment') {
    spec.replicas = json('nativeApi.replicas');
    pod.containers[0].resources = json('nativeApi.resources');
  }
  if (kind === 'PersistentVolumeClaim' && name === 'kubeblame-backup') claimValues(spec, 'jobs.backup');
  if (kind === 'PersistentVolumeClaim' && name === LEDGER) claimValues(spec, 'storage');
  if (kind === 'CronJob') spec.schedule = json(`jobs.${name.replace('kubeblame-', '')}.schedule`);
  if (kind === 'NetworkPolicy') {
    if ((spec.egress ?? []).length > 0) spec.egress[0].to = json('networkPolicy.apiServer');
    return { condition: '.Values.networkPolicy.enabled', item: namespaced(object) };
  }
  if (kind === 'PriorityClass') {
    metadata.name = json('priorityClass.name');
    object.value = json('priorityClass.value');
    return { condition: '.Values.priorityClass.create', item: namespaced(object) };
  }
  return namespaced(object);
}

function podValues(pod) {
  for (const container of pod.containers) {
    container.image = expression('"{{ .Values.image.repository }}:{{ .Values.image.tag }}"');
    container.imagePullPolicy = given('image.pullPolicy');
  }
  pod.imagePullSecrets = given('imagePullSecrets');
  pod.nodeSelector = given('nodeSelector');
  pod.tolerations = given('tolerations');
  if (pod.priorityClassName !== undefined) pod.priorityClassName = json('priorityClass.name');
}

/** Options of the server that values decide: the variable and the value. */
const OPTIONS = {
  KUBEBLAME_CLUSTER: 'clusterName',
  KUBEBLAME_RETAIN_AGE: 'retention.age',
  KUBEBLAME_RETAIN_SIZE: 'retention.size',
  KUBEBLAME_RETAIN_EVENTS: 'retention.events',
  KUBEBLAME_RETAIN_EVENTS_SIZE: 'retention.eventsSize',
  KUBEBLAME_FAILURE_POLICY: 'webhook.failurePolicy',
  KUBEBLAME_WEBHOOK_TIMEOUT: 'webhook.timeoutSeconds',
  KUBEBLAME_NAMESPACE_SELECTOR: 'webhook.namespaceSelector',
  KUBEBLAME_OBJECT_SELECTOR: 'webhook.objectSelector',
  KUBEBLAME_LOG_LEVEL: 'logLevel',
};

function setValues(spec, pod) {
  const [container] = pod.containers;
  container.resources = json('resources');
  spec.replicas = json('replicas');
  pod.affinity.nodeAffinity = given('nodeAffinity');
  const others = container.env.filter(({ name }) => !(name in OPTIONS));
  const options = Object.entries(OPTIONS).map(([name, value]) =>
    when(`.Values.${value}`, { name, value: expression(`"{{ .Values.${value} }}"`) }),
  );
  container.env = [...options, ...others];
}

function claimValues(spec, value) {
  spec.resources.requests.storage = json(`${value}.size`);
  spec.storageClassName = given(`${value}.storageClassName`);
}

/** The same, with the release's namespace where the manifests have `kubeblame`. */
function namespaced(node, key = '') {
  if (typeof node === 'string') return namespacedText(node, key);
  if (Array.isArray(node)) return node.map((item) => namespaced(item));
  if (node === null || typeof node !== 'object' || node.text !== undefined) return node;
  if (node.condition !== undefined) return { ...node, item: namespaced(node.item) };
  const copy = Object.fromEntries(Object.entries(node).map(([name, value]) => [name, namespaced(value, name)]));
  if (Array.isArray(node.resources) && node.resources.includes('namespaces') && node.resourceNames !== undefined)
    copy.resourceNames = [expression(NAMESPACE)];
  return copy;
}

function namespacedText(text, key) {
  if (key === 'namespace' && text === 'kubeblame') return expression(NAMESPACE);
  const parts = [
    ['kubeblame/kubeblame-checkpoint', `${NAMESPACE}/kubeblame-checkpoint`],
    ['kubeblame.kubeblame.svc', `kubeblame.${NAMESPACE}.svc`],
    ['system:serviceaccount:kubeblame:', `system:serviceaccount:${NAMESPACE}:`],
    ['namespace="kubeblame"', `namespace="${NAMESPACE}"`],
  ];
  // What Prometheus and Grafana are to read is escaped first.
  const safe = text.replaceAll('{{', '{{ "{{" }}');
  const result = parts.reduce((so, [from, to]) => so.replaceAll(from, to), safe);
  return result === text ? text : expression(quoted(result));
}

/** A YAML string with template actions in it: those are not escaped. */
function quoted(text) {
  const parts = text.split(/(\{\{ "\{\{" \}\}|\{\{ \.Release\.Namespace \}\})/);
  return `"${parts.map((part, index) => (index % 2 === 1 ? part : JSON.stringify(part).slice(1, -1))).join('')}"`;
}

const HEAD = '# Made by `node scripts/chart.mjs` from the kustomize manifests: change those.\n';

function template(objects, condition) {
  const documents = objects.map((object) =>
    object.condition === undefined
      ? `---\n${emit(object)}`
      : `{{- if ${object.condition} }}\n---\n${emit(object.item)}{{- end }}\n`,
  );
  const text = documents.join('');
  return HEAD + (condition === undefined ? text : `{{- if ${condition} }}\n${text}{{- end }}\n`);
}

function chartYaml(version) {
  return (
    HEAD +
    stringify({
      apiVersion: 'v2',
      name: 'kubeblame',
      description: 'Records who changed what in a Kubernetes cluster, and answers kubectl blame.',
      type: 'application',
      version,
      appVersion: version,
      kubeVersion: '>=1.28.0-0',
      home: 'https://github.com/kubeblame/kubeblame',
      sources: ['https://github.com/kubeblame/kubeblame'],
    })
  );
}

/** Defaults are those of the manifests; the texts around them are in scripts/chart-values.yaml. */
async function values(root, base) {
  const set = find(base, 'StatefulSet', 'kubeblame');
  const [container] = set.spec.template.spec.containers;
  const [repository, tag] = container.image.split(':');
  const gateway = find(await withComponent(root, 'native-api'), 'Deployment', 'kubeblame-gateway');
  const jobs = await withComponent(root, 'jobs');
  const env = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
  const priority = base.find(({ kind }) => kind === 'PriorityClass');
  const defaults = {
    REPOSITORY: repository,
    TAG: tag,
    RETAIN_AGE: env.KUBEBLAME_RETAIN_AGE,
    RETAIN_SIZE: env.KUBEBLAME_RETAIN_SIZE,
    RETAIN_EVENTS: env.KUBEBLAME_RETAIN_EVENTS,
    EVENTS_SIZE: env.KUBEBLAME_RETAIN_EVENTS_SIZE,
    STORAGE: find(base, 'PersistentVolumeClaim', LEDGER).spec.resources.requests.storage,
    REPLICAS: set.spec.replicas,
    RESOURCES: container.resources,
    PRIORITY_NAME: priority.metadata.name,
    PRIORITY: priority.value,
    API_SERVER: find(base, 'NetworkPolicy', 'kubeblame').spec.egress[0].to,
    GATEWAYS: gateway.spec.replicas,
    GATEWAY_RESOURCES: gateway.spec.template.spec.containers[0].resources,
    BACKUP_SCHEDULE: find(jobs, 'CronJob', 'kubeblame-backup').spec.schedule,
    BACKUP_STORAGE: find(jobs, 'PersistentVolumeClaim', 'kubeblame-backup').spec.resources.requests.storage,
    VERIFY_SCHEDULE: find(jobs, 'CronJob', 'kubeblame-verify').spec.schedule,
  };
  const text = await readFile(join(root, 'scripts/chart-values.yaml'), 'utf8');
  return (
    HEAD +
    text.replace(/__(\w+?)__/g, (_, name) => {
      if (defaults[name] === undefined)
        throw new Error(`chart-values.yaml names ${name}, which the manifests do not have`);
      return JSON.stringify(defaults[name]);
    })
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = resolve(import.meta.dirname, '..');
  const folder = join(root, 'manifests/chart');
  await rm(folder, { recursive: true, force: true });
  for (const [path, text] of Object.entries(await chartFiles(root))) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}
