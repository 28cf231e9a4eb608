import { matchesSelector } from '../selector.ts';
import type { ObjectRef } from '../types.ts';
import type { Facts, ObjectFacts, PolicyPeer, PolicyPort, PolicyRule } from './types.ts';

/** `yes`, `no`; `perhaps`: a rule names an address block, and which addresses pods have is not told. */
export type Verdict = 'yes' | 'no' | 'perhaps';

/** What NetworkPolicies say of one direction. */
export interface Direction {
  verdict: Verdict;
  /** The policies that select the pods in this direction; none: nothing restricts them. */
  policies: { object: ObjectRef; verdict: Verdict }[];
}

/** Whether the pods of one workload may open connections to those of another. */
export interface Allowed {
  verdict: Verdict;
  /** Of the pods that connect. */
  egress: Direction;
  /** Of the pods that are connected to. */
  ingress: Direction;
}

export interface AskedPort {
  /** Of the pods: a number, or the name that a container gives it. */
  port: number | string;
  protocol: string;
}

/**
 * Whether NetworkPolicies allow connections from the pods of one object to those of another, on a port or on any (null). Each direction must
 * allow it: a policy for each end (networking.k8s.io/v1). It is what policies say: whether the network enforces them, nobody records.
 */
export function allowed(
  objects: readonly ObjectFacts[],
  from: ObjectFacts,
  to: ObjectFacts,
  port: AskedPort | null,
): Allowed {
  // prettier-ignore
  const labels = new Map(objects.flatMap(({ object, facts }) => (object.group === '' && object.kind === 'Namespace' ? [[object.name, facts.labels ?? {}]] : []))); // prettier-ignore
  const ports = port === null ? null : portsOf(port, to.facts);
  const direction = (way: 'egress' | 'ingress', self: ObjectFacts, other: ObjectFacts): Direction => {
    const policies = objects.flatMap(({ object, facts: { policy } }) => {
      const rules = policy?.[way] ?? null;
      if (policy === undefined || rules === null || object.namespace !== self.object.namespace) return [];
      return matchesSelector(policy.pods, self.facts.podLabels ?? {}) ? [{ object, rules }] : [];
    });
    const judged = policies.map(({ object, rules }) => ({ object, verdict: best(rules.map((rule) => judge(rule, object.namespace, other, labels, ports))) })); // prettier-ignore
    return { verdict: judged.length === 0 ? 'yes' : best(judged.map(({ verdict }) => verdict)), policies: judged };
  };
  const [egress, ingress] = [direction('egress', from, to), direction('ingress', to, from)];
  const both = [egress.verdict, ingress.verdict];
  return { verdict: both.includes('no') ? 'no' : both.includes('perhaps') ? 'perhaps' : 'yes', egress, ingress };
}

function best(verdicts: readonly Verdict[]): Verdict {
  return verdicts.includes('yes') ? 'yes' : verdicts.includes('perhaps') ? 'perhaps' : 'no';
}

/** The numbers and names that a port of these pods has. */
function portsOf({ port, protocol }: AskedPort, { namedPorts = [] }: Facts) {
  const same = namedPorts.filter(
    (named) => named.protocol === protocol && (named.port === port || named.name === port),
  );
  const numbers = [...same.map((named) => named.port), ...(typeof port === 'number' ? [port] : [])];
  return { protocol, numbers: new Set(numbers), names: new Set([...same.map(({ name }) => name), String(port)]) };
}

type Ports = ReturnType<typeof portsOf>;

function judge(
  { peers, ports }: PolicyRule,
  namespace: string,
  other: ObjectFacts,
  labels: ReadonlyMap<string, Readonly<Record<string, string>>>,
  asked: Ports | null,
): Verdict {
  if (asked !== null && ports.length > 0 && !ports.some((port) => covers(port, asked))) return 'no';
  if (peers.length === 0) return 'yes';
  return best(peers.map((peer) => judgePeer(peer, namespace, other, labels)));
}

function judgePeer(
  { pods, namespaces, cidr }: PolicyPeer,
  namespace: string,
  { object, facts }: ObjectFacts,
  labels: ReadonlyMap<string, Readonly<Record<string, string>>>,
): Verdict {
  if (cidr !== null) return 'perhaps';
  const inside = namespaces === null ? object.namespace === namespace : matchesSelector(namespaces, labels.get(object.namespace) ?? {}); // prettier-ignore
  return inside && (pods === null || matchesSelector(pods, facts.podLabels ?? {})) ? 'yes' : 'no';
}

/** A range is of numbers; a name is what the containers call it. */
function covers({ protocol, port, endPort }: PolicyPort, asked: Ports): boolean {
  if (protocol !== asked.protocol) return false;
  if (port === null) return true;
  if (typeof port === 'string') return asked.names.has(port);
  return [...asked.numbers].some((number) => number >= port && number <= (endPort ?? port));
}
