import { isObject } from '../../../shared/json.ts';
import type { Json, JsonObject } from '../../../shared/types.ts';

/*
 * The edges of a cluster, derived from what `kubectl get -o json` printed, and not as shared/landscape derives them: a table of paths
 * that are walked generically, selectors tried on every pair, and for each Service a search for all spellings of its name.
 */

/** Of which kinds, where, to what. `@name` in a path is one of the segment's siblings. */
type Row = [kinds: string, paths: string, relation: string, target: string, more?: string];

/** Where the templates of pods are. */
const TEMPLATES: Record<string, string> = {
  Pod: '',
  Deployment: 'spec.template.',
  ReplicaSet: 'spec.template.',
  StatefulSet: 'spec.template.',
  DaemonSet: 'spec.template.',
  Job: 'spec.template.',
  CronJob: 'spec.jobTemplate.spec.template.',
};

const OF_PODS: Row[] = [
  ['*', 'spec.{containers,initContainers,ephemeralContainers}.*.image', 'uses', 'image'],
  ['*', 'spec.{containers,initContainers,ephemeralContainers}.*.env.*.valueFrom.configMapKeyRef.name', 'uses', 'ConfigMap', 'key=key'], // prettier-ignore
  ['*', 'spec.{containers,initContainers,ephemeralContainers}.*.env.*.valueFrom.secretKeyRef.name', 'uses', 'Secret', 'key=key'], // prettier-ignore
  ['*', 'spec.{containers,initContainers,ephemeralContainers}.*.envFrom.*.configMapRef.name', 'uses', 'ConfigMap'],
  ['*', 'spec.{containers,initContainers,ephemeralContainers}.*.envFrom.*.secretRef.name', 'uses', 'Secret'],
  ['*', 'spec.volumes.*.configMap.name', 'uses', 'ConfigMap', 'items'],
  ['*', 'spec.volumes.*.secret.secretName', 'uses', 'Secret', 'items'],
  ['*', 'spec.volumes.*.projected.sources.*.configMap.name', 'uses', 'ConfigMap', 'items'],
  ['*', 'spec.volumes.*.projected.sources.*.secret.name', 'uses', 'Secret', 'items'],
  ['*', 'spec.volumes.*.persistentVolumeClaim.claimName', 'uses', 'PersistentVolumeClaim'],
  ['*', 'spec.imagePullSecrets.*.name', 'uses', 'Secret'],
  ['*', 'spec.serviceAccountName', 'uses', 'ServiceAccount'],
  ['*', 'spec.priorityClassName', 'uses', '/PriorityClass'],
  ['*', 'spec.nodeName', 'uses', '/Node'],
];

const OTHERS: Row[] = [
  ['StatefulSet', 'spec.serviceName', 'uses', 'Service'],
  ['StatefulSet', 'spec.volumeClaimTemplates.*.spec.storageClassName', 'uses', '/StorageClass'],
  ['ServiceAccount', '{imagePullSecrets,secrets}.*.name', 'uses', 'Secret'],
  ['Ingress', 'spec.rules.*.host', 'exposes', 'host'],
  ['Ingress', 'spec.rules.*.http.paths.*.backend.service.name', 'routes', 'Service', 'key=port.name'],
  ['Ingress', 'spec.tls.*.secretName', 'uses', 'Secret'],
  ['HTTPRoute', 'spec.hostnames.*', 'exposes', 'host'],
  ['HTTPRoute', 'spec.parentRefs.*.name', 'routes', 'Gateway', 'elsewhere'],
  ['HTTPRoute', 'spec.rules.*.backendRefs.*.name', 'routes', 'Service', 'key=port elsewhere'],
  ['Gateway', 'spec.gatewayClassName', 'uses', '/GatewayClass'],
  ['Gateway', 'spec.listeners.*.tls.certificateRefs.*.name', 'uses', 'Secret', 'elsewhere'],
  ['HorizontalPodAutoscaler', 'spec.scaleTargetRef.name', 'scales', '@kind'],
  ['RoleBinding,ClusterRoleBinding', 'roleRef.name', 'grants', '@kind'],
  ['RoleBinding,ClusterRoleBinding', 'subjects.*.name', 'grants', '@kind', 'elsewhere'],
  ['PersistentVolumeClaim', 'spec.volumeName', 'stores', '/PersistentVolume'],
  ['PersistentVolumeClaim', 'spec.storageClassName', 'stores', '/StorageClass'],
  ['ValidatingWebhookConfiguration', 'webhooks.*.clientConfig.service.name', 'serves', 'Service', 'elsewhere'],
  ['APIService', 'spec.service.name', 'serves', 'Service', 'elsewhere'],
  ['ServiceExport', 'metadata.name', 'crosses', 'Service'],
];

interface Spot {
  value: Json;
  /** What it is a member of, and what that is a member of, from the inside. */
  around: JsonObject[];
}

/** Edges as lines: `from relation to certainty`, then `#key`, `?` where optional, `!object` or `!key` where it lacks something. */
export function oracleEdges(objects: readonly JsonObject[]): string[] {
  return new Oracle(objects).lines();
}

class Oracle {
  private readonly objects: JsonObject[];
  private readonly found = new Map<string, number>();

  constructor(objects: readonly JsonObject[]) {
    this.objects = objects.filter(({ kind }) => kind !== 'Event' && kind !== 'Lease');
  }

  lines(): string[] {
    for (const object of this.objects) {
      const template = TEMPLATES[text(object.kind)];
      const rows =
        template === undefined ? [] : OF_PODS.map(([, path, ...rest]): Row => ['*', template + path, ...rest]);
      for (const row of [...rows, ...OTHERS]) this.byRow(object, row);
      this.owned(object);
      this.selecting(object);
      this.special(object);
      if (template !== undefined) this.naming(object, template);
    }
    return [...this.found].flatMap(([line, count]) => Array.from({ length: count }, () => line)).sort();
  }

  private add(from: string, relation: string, to: string, certainty: string, more = ''): void {
    const line = `${from} ${relation} ${to} ${certainty}${more}`;
    this.found.set(line, (this.found.get(line) ?? 0) + 1);
  }

  private byRow(object: JsonObject, [kinds, paths, relation, target, more = '']: Row): void {
    if (kinds !== '*' && !kinds.split(',').includes(text(object.kind))) return;
    for (const path of alternatives(paths)) {
      for (const { value, around } of walk(object, path.split('.'))) {
        if (typeof value !== 'string' || value === '') continue;
        const [beside = {}] = around;
        if (target === 'host' || target === 'image') {
          this.add(title(object), relation, `${target} ${value}`, 'declared');
          continue;
        }
        const kind = target.startsWith('@') ? text(beside[target.slice(1)]) : target;
        if (kind === 'User' || kind === 'Group') {
          this.add(title(object), relation, `${kind.toLowerCase()} ${value}`, 'declared');
          continue;
        }
        const elsewhere = more.includes('elsewhere') ? text(beside.namespace) : '';
        const clusterWide = kind.startsWith('/') || kind === 'ClusterRole';
        const to = `${kind.replace('/', '').toLowerCase()} ${clusterWide ? '' : elsewhere || namespaceOf(object)}/${value}`;
        const optional = beside.optional === true ? ' ?' : '';
        for (const key of keysOf(more, beside)) {
          const lacks = this.lacking(to, relation === 'uses' ? key : '', relation === 'routes' ? key : '');
          this.add(title(object), relation, to, 'declared', `${key === '' ? '' : ` #${key}`}${optional}${lacks}`);
        }
      }
    }
  }

  private lacking(to: string, key: string, port: string): string {
    const object = this.objects.find((each) => title(each) === to);
    if (object === undefined) return ' !object';
    const keys = [object.data, object.binaryData].flatMap((data) => (isObject(data) ? Object.keys(data) : []));
    if (key !== '' && !keys.includes(key)) return ' !key';
    const ports = walk(object, ['spec', 'ports', '*']).map(({ value }) => value as JsonObject);
    const served = ports.some((each) => `${each.port as number}` === port || each.name === port);
    return port !== '' && object.kind === 'Service' && !served ? ' !key' : '';
  }

  private owned(object: JsonObject): void {
    for (const { value } of walk(object, ['metadata', 'ownerReferences', '*'])) {
      const owner = value as JsonObject;
      const known = this.objects.find((each) => metadata(each).uid === owner.uid);
      const from = known === undefined ? `${text(owner.kind).toLowerCase()} ${owner.kind === 'Node' ? '' : namespaceOf(object)}/${text(owner.name)}` : title(known); // prettier-ignore
      const controller = owner.controller === true ? ' #controller' : '';
      this.add(from, 'owns', title(object), 'declared', `${controller}${known === undefined ? ' !object' : ''}`);
    }
    if (object.kind === 'EndpointSlice') {
      const service = `service ${namespaceOf(object)}/${labels(metadata(object).labels)['kubernetes.io/service-name'] ?? ''}`;
      const known = this.objects.some((each) => title(each) === service);
      this.add(service, 'owns', title(object), 'declared', known ? '' : ' !object');
    }
  }

  private selecting(object: JsonObject): void {
    const spec = isObject(object.spec) ? object.spec : {};
    const kind = text(object.kind);
    if (kind === 'Service' && isObject(spec.selector) && spec.type !== 'ExternalName')
      this.select(object, { matchLabels: spec.selector }, 'pods');
    if (kind === 'PodDisruptionBudget' && isObject(spec.selector)) this.select(object, spec.selector, 'pods');
    if (kind === 'NetworkPolicy') this.select(object, isObject(spec.podSelector) ? spec.podSelector : {}, 'pods');
    if (kind === 'ServiceMonitor' && isObject(spec.selector)) this.select(object, spec.selector, 'services');
    for (const { value } of walk(object, ['aggregationRule', 'clusterRoleSelectors', '*'])) {
      for (const other of this.objects) {
        if (other.kind !== 'ClusterRole' || other === object) continue;
        if (matches(value as JsonObject, labels(metadata(other).labels))) this.add(title(object), 'grants', title(other), 'selected'); // prettier-ignore
      }
    }
  }

  private select(object: JsonObject, selector: JsonObject, what: 'pods' | 'services'): void {
    for (const other of this.objects) {
      if (namespaceOf(other) !== namespaceOf(object)) continue;
      const template = TEMPLATES[text(other.kind)];
      const isControlled = this.controllers(other) && other.kind !== 'Pod';
      if (what === 'services' ? other.kind !== 'Service' : template === undefined || isControlled) continue;
      const path = what === 'services' ? 'metadata.labels' : `${template}metadata.labels`;
      const [had] = walk(other, path.split('.'));
      if (matches(selector, labels(had?.value))) this.add(title(object), 'selects', title(other), 'selected');
    }
  }

  /** True where its controller exists. */
  private controllers(object: JsonObject): boolean {
    return walk(object, ['metadata', 'ownerReferences', '*']).some(({ value }) => {
      const owner = value as JsonObject;
      return owner.controller === true && this.objects.some((each) => metadata(each).uid === owner.uid);
    });
  }

  private special(object: JsonObject): void {
    const spec = isObject(object.spec) ? object.spec : {};
    if (object.kind === 'Service' && spec.type === 'ExternalName')
      this.add(title(object), 'crosses', `host ${text(spec.externalName)}`, 'declared');
    if (object.kind === 'ServiceImport') {
      const to = `serviceexport ${namespaceOf(object)}/${text(metadata(object).name)}`;
      const known = this.objects.some((each) => title(each) === to);
      this.add(title(object), 'crosses', to, known ? 'declared' : 'unresolved', known ? '' : ' !object');
    }
    if (object.kind === 'StatefulSet') {
      for (const { value } of walk(object, 'spec.volumeClaimTemplates.*.metadata.name'.split('.'))) {
        const claim = new RegExp(`^persistentvolumeclaim ${namespaceOf(object)}/${text(value)}-${text(metadata(object).name)}-\\d+$`); // prettier-ignore
        for (const other of this.objects) if (claim.test(title(other))) this.add(title(object), 'owns', title(other), 'declared'); // prettier-ignore
      }
    }
    if (object.kind === 'CustomResourceDefinition') {
      const [group, kind] = [text(spec.group), (spec.names as JsonObject).kind];
      for (const other of this.objects) {
        if (other.kind === kind && text(other.apiVersion).startsWith(`${group}/`)) this.add(title(object), 'serves', title(other), 'declared'); // prettier-ignore
      }
    }
  }

  /** For each Service all spellings of its name, searched for in all texts that a template reads. */
  private naming(object: JsonObject, template: string): void {
    const own = namespaceOf(object);
    const texts: { value: string; of: string }[] = [];
    for (const path of alternatives(
      `${template}spec.{containers,initContainers,ephemeralContainers}.*.{env.*.value,args.*,command.*}`,
    )) {
      for (const { value } of walk(object, path.split('.'))) texts.push({ value: text(value), of: path });
    }
    const configs = new Map<string, Set<string> | null>();
    for (const path of alternatives(
      `${template}spec.{containers.*.envFrom.*.configMapRef,volumes.*.configMap,volumes.*.projected.sources.*.configMap}.name`,
    )) {
      for (const { value, around } of walk(object, path.split('.'))) {
        const items = walk(around[0] ?? {}, ['items', '*', 'key']).map((item) => text(item.value));
        configs.set(text(value), items.length === 0 ? null : new Set(items));
      }
    }
    for (const { value, around } of walk(
      object,
      `${template}spec.containers.*.env.*.valueFrom.configMapKeyRef.name`.split('.'),
    )) {
      const known = configs.get(text(value));
      if (known !== null) configs.set(text(value), (known ?? new Set()).add(text(around[0]?.key)));
    }
    for (const [name, keys] of configs) {
      const config = this.objects.find((each) => title(each) === `configmap ${own}/${name}`);
      const data = isObject(config?.data) ? config.data : {};
      for (const [key, value] of Object.entries(data)) if (keys === null || keys.has(key)) texts.push({ value: text(value), of: key }); // prettier-ignore
    }
    for (const { value } of texts) {
      for (const service of this.objects) if (service.kind === 'Service') this.namingOne(object, value, service);
      this.unresolved(object, value);
    }
  }

  private namingOne(object: JsonObject, value: string, service: JsonObject): void {
    const [own, namespace, name] = [namespaceOf(object), namespaceOf(service), text(metadata(service).name)];
    const spec = service.spec as JsonObject;
    const ports = walk(service, ['spec', 'ports', '*', 'port']).map((each) => String(each.value as number));
    const long = `${name}\\.${namespace}(?:\\.svc(?:\\.cluster\\.local)?)?`;
    const pods = spec.clusterIP === 'None' ? this.podsOf(service) : [];
    const short = namespace === own;
    const spellings = [
      `(?<=://(?:[^\\s/@]*@)?)(?:${short ? `${name}|` : ''}${long})(?::(\\d+))?(?![\\w.:-])`,
      ...(short && ports.length > 0 ? [`(?<![\\w./@:-])${name}:(${ports.join('|')})(?![\\w.:])`] : []),
      `(?<![\\w./@:-])${long}:(\\d+)(?![\\w.:])`,
      `^${long}$`,
      ...pods.map((pod) => `(?<![\\w./:-])${pod}\\.(?:${short ? `${name}|` : ''}${long})(?::(\\d+))?(?![\\w.:-])`),
    ];
    const seen = new Set<string>();
    for (const spelling of spellings)
      for (const [, port = ''] of value.matchAll(new RegExp(spelling, 'g'))) seen.add(port);
    for (const port of seen)
      this.add(title(object), 'names', title(service), 'inferred', port === '' ? '' : ` #${port}`);
  }

  private podsOf(service: JsonObject): string[] {
    const name = text(metadata(service).name);
    return this.objects.flatMap((each) => {
      const spec = isObject(each.spec) ? each.spec : {};
      if (each.kind !== 'StatefulSet' || spec.serviceName !== name || namespaceOf(each) !== namespaceOf(service))
        return [];
      return [`${text(metadata(each).name)}-\\d+`];
    });
  }

  /** URLs of something that is meant to be in the cluster. */
  private unresolved(object: JsonObject, value: string): void {
    const namespaces = this.objects.filter(({ kind }) => kind === 'Namespace').map((each) => text(metadata(each).name));
    for (const [, host = '', port] of value.matchAll(/:\/\/(?:[^\s/@]*@)?([a-z0-9.-]+)(?::(\d+))?/g)) {
      const more = port === undefined ? '' : ` #${port}`;
      const imported = /^([^.]+)\.([^.]+)\.svc\.clusterset\.local$/.exec(host);
      const inside = /^([^.]+)\.([^.]+)(\.svc(?:\.cluster\.local)?)?$/.exec(host);
      const known = (kind: string, namespace = '', name = ''): boolean =>
        this.objects.some((each) => title(each) === `${kind} ${namespace}/${name}`);
      if (imported !== null) {
        const exists = known('serviceimport', imported[2], imported[1]);
        this.add(title(object), 'crosses', `serviceimport ${imported[2]}/${imported[1]}`, exists ? 'inferred' : 'unresolved', more + (exists ? '' : ' !object')); // prettier-ignore
      } else if (inside !== null && (inside[3] !== undefined || namespaces.includes(inside[2] ?? ''))) {
        if (!known('service', inside[2], inside[1])) this.add(title(object), 'names', `service ${inside[2]}/${inside[1]}`, 'unresolved', `${more} !object`); // prettier-ignore
      }
    }
  }
}

/** `a.{b,c}.d` as `a.b.d` and `a.c.d`. */
function alternatives(path: string): string[] {
  const match = /\{([^}]*)\}/.exec(path);
  if (match === null) return [path];
  return (match[1] ?? '').split(',').flatMap((each) => alternatives(path.replace(match[0], each)));
}

function walk(value: Json, steps: readonly string[], around: JsonObject[] = []): Spot[] {
  const [step, ...rest] = steps;
  if (step === undefined) return [{ value, around }];
  if (step === '*') return Array.isArray(value) ? value.flatMap((item) => walk(item, rest, around)) : [];
  if (!isObject(value)) return [];
  const member = value[step];
  return member === undefined ? [] : walk(member, rest, [value, ...around]);
}

/** The keys that a reference is of: `key=port.name`, or the items of a volume. */
function keysOf(more: string, beside: JsonObject): string[] {
  const items = more.includes('items') ? walk(beside, ['items', '*', 'key']).map(({ value }) => text(value)) : [];
  if (items.length > 0) return items;
  const path = /key=(\S+)/.exec(more)?.[1];
  const [found] = path === undefined ? [] : walk(beside, path.split('.'));
  return [found === undefined ? '' : `${found.value as string | number}`];
}

function matches(selector: JsonObject, had: Record<string, string>): boolean {
  const equal = Object.entries(labels(selector.matchLabels)).every(([key, value]) => had[key] === value);
  const expressions = Array.isArray(selector.matchExpressions) ? (selector.matchExpressions as JsonObject[]) : [];
  return (
    equal &&
    expressions.every(({ key, operator, values }) => {
      const value = had[text(key)];
      const among = value !== undefined && Array.isArray(values) && values.includes(value);
      if (operator === 'In') return among;
      if (operator === 'NotIn') return !among;
      return (operator === 'Exists') === (value !== undefined);
    })
  );
}

function labels(value: Json | undefined): Record<string, string> {
  return isObject(value) ? (value as Record<string, string>) : {};
}

function metadata(object: JsonObject): JsonObject {
  return isObject(object.metadata) ? object.metadata : {};
}

function namespaceOf(object: JsonObject): string {
  return text(metadata(object).namespace);
}

function title(object: JsonObject): string {
  return `${text(object.kind).toLowerCase()} ${namespaceOf(object)}/${text(metadata(object).name)}`;
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
