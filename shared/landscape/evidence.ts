import type { ObjectRef } from '../types.ts';
import { ruleFor, type LandscapeRule } from './rule-for.ts';
import type { Facts, ObjectFacts } from './types.ts';
import { type Belongings } from './belongings.ts';

/** What says to which application something belongs, the strongest first. */
export const TIERS = {
  rule: 1,
  argo: 2,
  flux: 3,
  helm: 4,
  model: 5,
  backstage: 6,
  labels: 7,
  owner: 8,
  user: 9,
  namespace: 10,
} as const;

/** One piece of evidence, and what it says. */
export interface Evidence {
  value: string;
  /** For applications one of TIERS; for teams and products their place in the order of that attribute. */
  tier: number;
  /** For people: `annotation meta.helm.sh/release-name`. */
  by: string;
}

/** What is believed, and weaker evidence that says something else. */
export interface Said extends Evidence {
  conflicts: Evidence[];
}

export const MANAGERS = ['Argo CD', 'Flux', 'Helm'] as const;

/** The tool that brings an object into the cluster, and by what it is called there. */
export interface Delivery {
  manager: (typeof MANAGERS)[number];
  /** The kind of the object that stands for it; '' for a release of Helm, which is Secrets. */
  kind: '' | 'Application' | 'Kustomization' | 'HelmRelease';
  name: string;
  /** '' where it is not told. */
  namespace: string;
  by: string;
}

const [TRACKING, ARGO_INSTANCE, INSTANCE] = [
  'argocd.argoproj.io/tracking-id',
  'argocd.argoproj.io/instance',
  'app.kubernetes.io/instance',
];

/** The tools that an object says it comes from, the strongest evidence first. */
export function deliveriesOf(each: ObjectFacts, known: Belongings): Delivery[] {
  let found = known.deliveries.get(each);
  if (found === undefined) known.deliveries.set(each, (found = findDeliveries(each, known)));
  return found;
}

function findDeliveries({ object, facts }: ObjectFacts, known: Belongings): Delivery[] {
  if (facts.labels === undefined && facts.annotations === undefined) return [];
  const { labels = {}, annotations = {} } = facts;
  const found: Delivery[] = [];
  const argo = (text: string | undefined, by: string): void => {
    if (text === undefined || text === '') return;
    // An Application outside of Argo CD's own namespace is told as NAMESPACE_NAME.
    const [name = '', namespace = ''] = text.split('_').reverse();
    found.push({ manager: 'Argo CD', kind: 'Application', name, namespace, by });
  };
  argo(trackedBy(annotations[TRACKING], object), `annotation ${TRACKING}`);
  argo(labels[ARGO_INSTANCE], `label ${ARGO_INSTANCE}`);
  for (const [kind, label, place] of FLUX) {
    const name = labels[label];
    if (name !== undefined)
      found.push({ manager: 'Flux', kind, name, namespace: labels[place] ?? '', by: `label ${label}` });
  }
  const release = annotations['meta.helm.sh/release-name'];
  if (release !== undefined) {
    const namespace = annotations['meta.helm.sh/release-namespace'] ?? object.namespace;
    found.push({ manager: 'Helm', kind: '', name: release, namespace, by: 'annotation meta.helm.sh/release-name' });
  }
  // Others write this label too: it is Argo CD's where nobody else brings the object, and there is such an Application.
  const instance = labels[INSTANCE];
  if (found.length === 0 && instance !== undefined && known.delivering('Application', '', instance) !== null) argo(instance, `label ${INSTANCE}`); // prettier-ignore
  return found;
}

const FLUX = [
  ['HelmRelease', 'helm.toolkit.fluxcd.io/name', 'helm.toolkit.fluxcd.io/namespace'],
  ['Kustomization', 'kustomize.toolkit.fluxcd.io/name', 'kustomize.toolkit.fluxcd.io/namespace'],
] as const;

/**
 * The application of a tracking id (`APP:GROUP/KIND:NAMESPACE/NAME`) where it names this very object: whoever copies an object, copies
 * its annotations too.
 */
function trackedBy(id: string | undefined, { group, kind, namespace, name }: ObjectRef): string | undefined {
  if (id === undefined) return undefined;
  const [application, type, place] = id.split(':');
  if (type !== `${group}/${kind}` || place === undefined) return undefined;
  const [itsNamespace, ...rest] = place.split('/');
  const isThis = rest.join('/') === name && (namespace === '' || itsNamespace === namespace);
  return isThis ? application : undefined;
}

const DELIVERY_TIERS = { 'Argo CD': TIERS.argo, Flux: TIERS.flux, Helm: TIERS.helm };

/** What an object itself says about its application (tiers 1 to 7), the strongest first. */
export function applicationEvidence(each: ObjectFacts, known: Belongings, rules: readonly LandscapeRule[]): Evidence[] {
  const { object, facts } = each;
  const { labels = {}, annotations = {} } = facts;
  const rule = ruleFor(rules, 'application', object, facts);
  const found: Evidence[] = [];
  const add = (tier: number, value: string | undefined, by: string): void => {
    if (value !== undefined && value !== '') found.push({ value, tier, by });
  };
  if (rule !== null) add(TIERS.rule, rule.application, ruleText(rule));
  for (const { manager, name, by } of deliveriesOf(each, known)) add(DELIVERY_TIERS[manager], name, by);
  for (const name of known.gatherersOf(object.namespace, labels)) add(TIERS.model, name, 'selector of an Application of app.k8s.io'); // prettier-ignore
  add(TIERS.model, labels['app.oam.dev/name'], 'label app.oam.dev/name');
  const backstage = 'backstage.io/kubernetes-id';
  add(TIERS.backstage, labels[backstage], `label ${backstage}`);
  add(TIERS.backstage, annotations[backstage], `annotation ${backstage}`);
  const label = NAME_LABELS.find((key) => (labels[key] ?? '') !== '');
  // `part-of` and `name` are wider and narrower than what another tier says: that is no conflict.
  if (label !== undefined && (found.length === 0 || label === INSTANCE)) add(TIERS.labels, labels[label], `label ${label}`); // prettier-ignore
  return found.length < 2 ? found : found.sort((a, b) => a.tier - b.tier);
}

/** The labels by which Kubernetes recommends to tell the application, the first that is there. */
export const NAME_LABELS = [INSTANCE, 'app.kubernetes.io/part-of', 'app.kubernetes.io/name'] as const;

export function ruleText({ line }: LandscapeRule): string {
  return `rule in line ${line}`;
}

/** The strongest evidence, and those that say something else; null where there is none. */
export function believe(
  evidence: readonly Evidence[],
  agree: (a: string, b: string) => boolean = (a, b) => a === b,
): Said | null {
  const [first] = evidence;
  if (first === undefined) return null;
  const { value, tier, by } = first;
  return { value, tier, by, conflicts: evidence.slice(1).filter((other) => !agree(value, other.value)) };
}

/** The first of some labels and annotations of an object that say something. */
export function firstOf(
  { labels, annotations }: Pick<Facts, 'labels' | 'annotations'>,
  keys: readonly string[],
  tier: number,
  prefix = '',
): Evidence[] {
  const found: Evidence[] = [];
  const look = (what: string, values: Readonly<Record<string, string>> | undefined): void => {
    if (values === undefined) return;
    for (const key of keys) {
      const value = values[key] ?? '';
      if (value !== '') found.push({ value, tier, by: `${prefix}${what} ${key}` });
    }
  };
  look('label', labels);
  look('annotation', annotations);
  return found;
}
