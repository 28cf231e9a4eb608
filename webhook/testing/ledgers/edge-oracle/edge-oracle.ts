import { isObject } from '../../../../shared/json.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { OF_PODS, OTHERS, TEMPLATES, type Row } from './rows.ts';
import { alternatives, keysOf, labels, matches, metadata, namespaceOf, text, title, walk } from './walk.ts';

/*
 * The edges of a cluster, derived from what `kubectl get -o json` printed, and not as shared/landscape derives them: a table of paths
 * that are walked generically, selectors tried on every pair, and for each Service a search for all spellings of its name.
 */

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
