import type { Nodes } from './nodes.ts';
import type { Address } from './types.ts';

/** What an address comes to. `missing`: nothing of the name was seen, and its form says that it is meant to be in the cluster. */
export type Named =
  | { is: 'service' | 'import'; place: number; namespace: string; name: string }
  | { is: 'missing'; kind: 'Service' | 'ServiceImport'; namespace: string; name: string };

/**
 * What an address in a namespace names; null where it names nothing in the cluster. The name of a Service alone counts only in a URL, or
 * with a port that the Service has; `service.namespace` only where both exist, but for forms that can mean nothing else.
 */
export function namedBy(address: Address, own: string, nodes: Nodes): Named | null {
  const { port, form } = address;
  const { inside, labels } = hostOf(address);
  if (inside?.[2] !== undefined) return imported(inside[1] ?? '', nodes);
  const [first = '', second = '', third] = labels;
  if (labels.length === 1) {
    const service = serviceAt(first, own, nodes);
    if (service === null || inside !== null || form === 'bare') return null;
    return form === 'url' || serves(service.place, port, nodes) ? service : null;
  }
  if (labels.length === 2) {
    const service = serviceAt(first, second, nodes);
    if (service !== null) return service;
    // A pod of a headless Service of the own namespace: `db-0.db`.
    const pods = inside === null ? podService(first, second, own, nodes) : null;
    if (pods !== null) return pods;
    const isMeant = inside !== null || (form === 'url' && nodes.find('', 'Namespace', '', second) !== null);
    return isMeant ? { is: 'missing', kind: 'Service', namespace: second, name: first } : null;
  }
  return labels.length === 3 && third !== undefined ? podService(first, second, third, nodes) : null;
}

interface Host {
  /** Where it ends in `.svc` and a domain: what is before, and clusterset.local. */
  inside: RegExpExecArray | null;
  labels: string[];
}

/** The same addresses are looked at for each pod of a template, at each moment. */
const HOSTS = new WeakMap<Address, Host>();

function hostOf(address: Address): Host {
  const known = HOSTS.get(address);
  if (known !== undefined) return known;
  const { host } = address;
  const inside = /^(.*)\.svc(?:\.(clusterset\.local)|\..+)?$/.exec(host);
  const read = { inside, labels: (inside?.[1] ?? host).split('.') };
  HOSTS.set(address, read);
  return read;
}

function imported(rest: string, nodes: Nodes): Named | null {
  // The pods of a headless one have names here too, with their cluster: `pod.cluster.service.namespace`.
  const [namespace = '', name = ''] = rest.split('.').reverse();
  if (namespace === '' || name === '') return null;
  const place = nodes.find('multicluster.x-k8s.io', 'ServiceImport', namespace, name);
  if (place === null) return { is: 'missing', kind: 'ServiceImport', namespace, name };
  return { is: 'import', place, namespace, name };
}

function serviceAt(name: string, namespace: string, nodes: Nodes): (Named & { is: 'service' }) | null {
  const place = nodes.find('', 'Service', namespace, name);
  return place === null ? null : { is: 'service', place, namespace, name };
}

function serves(service: number, port: number, nodes: Nodes): boolean {
  return (nodes.facts[service]?.ports ?? []).some((known) => known.port === port);
}

/** A headless Service, where the pod exists, or the StatefulSet that makes it. */
function podService(pod: string, name: string, namespace: string, nodes: Nodes): Named | null {
  const service = serviceAt(name, namespace, nodes);
  if (service === null || nodes.facts[service.place]?.headless !== true) return null;
  const stem = /^(.*)-\d+$/.exec(pod)?.[1];
  const set = stem === undefined ? null : nodes.find('apps', 'StatefulSet', namespace, stem);
  const maker = set ?? nodes.find('', 'Pod', namespace, pod);
  return maker !== null && nodes.facts[maker]?.governedBy === name ? service : null;
}
