import type { Requirement } from '../selector.ts';
import type { ObjectRef } from '../types.ts';

/*
 * The words of the dependency graph. What one body says are its facts (facts.ts); what the facts of all objects at a moment come to
 * are edges (resolve.ts), because an edge changes also where only its target does.
 */

/** What an edge is. It goes from what depends on something, or acts on it, to that. */
export const RELATIONS = [
  // From an owner to what Kubernetes deletes with it; from a StatefulSet to its claims; from a Service to its EndpointSlices.
  'owns',
  // Configuration, volumes, accounts, classes, images, nodes.
  'uses',
  // By labels; a Service without a selector by its EndpointSlices.
  'selects',
  // Where requests go: Ingress, Gateway API, VirtualService.
  'routes',
  // Under which name or address something is reached from outside.
  'exposes',
  // From an autoscaler to what it scales.
  'scales',
  // From a binding to its role, and to whom it gives it; from an aggregated ClusterRole to its parts.
  'grants',
  // From a definition to its objects; from a webhook, an APIService or a conversion to its Service.
  'serves',
  // Claim, volume, class, node.
  'stores',
  // Out of the cluster, or into another one.
  'crosses',
  // A text, such as a value in the environment, that names a Service.
  'names',
] as const;
export type Relation = (typeof RELATIONS)[number];

export const CERTAINTIES = ['declared', 'selected', 'inferred', 'unresolved'] as const;
/**
 * How an edge is known. `declared`: a body names the other object. `selected`: by labels. `inferred`: a text looks like an address
 * of it. `unresolved`: a text looks like an address of something in the cluster, and that does not exist.
 */
export type Certainty = (typeof CERTAINTIES)[number];

/** What a body refers to. Kinds, because bodies name kinds; `namespace` is '' for what is in none. */
export type Target =
  | { to: 'object'; group: string; kind: string; namespace: string; name: string }
  /** An owner: by uid, whatever it is called. */
  | { to: 'owner'; group: string; kind: string; namespace: string; name: string; uid: string }
  /** Pods with some labels, and the workloads whose templates have them; or other objects with some labels of their own. */
  | { to: 'labelled'; what: 'pods' | 'services' | 'clusterroles'; namespaces: Namespaces; selector: Requirement[] }
  /** PersistentVolumeClaims that a StatefulSet makes: this name, a hyphen and a number. */
  | { to: 'claims'; namespace: string; prefix: string }
  /** All objects of a kind. */
  | { to: 'kind'; group: string; kind: string }
  /** A host as Istio reads it: a Service of the namespace, one by its whole name, or what a ServiceEntry declares. */
  | { to: 'mesh'; namespace: string; host: string }
  /** The Service's counterpart in other clusters. */
  | { to: 'export'; namespace: string; name: string }
  | { to: 'host' | 'image'; name: string }
  | { to: 'subject'; kind: string; name: string };

/** In which namespaces to look; null: in all. */
export type Namespaces = string[] | null;

/** What one body says about something else. */
export interface Reference {
  relation: Relation;
  target: Target;
  /** Where the body says it, as parseField() reads it: `spec.template.spec.volumes[conf].configMap.name`. */
  field: string;
  /** Of what is referred to the part: a key of a ConfigMap, a port of a Service. */
  key?: string;
  /** True where its absence breaks nothing. */
  optional?: boolean;
  /** True where the edge goes from the target to the body's object. */
  reversed?: boolean;
  /** True where, in another namespace, a ReferenceGrant must permit it. */
  granted?: boolean;
  /** What of a ConfigMap or Secret is read once, when a container starts: later changes need a restart. */
  onStart?: boolean;
}

/** A text that looks like an address: `http://api:8080`, `db.shop.svc:5432`, `logs.infra`. */
export interface Address {
  host: string;
  /** 0 where the text has none. */
  port: number;
  /** `url`: behind `scheme://`. `host`: with a port. `bare`: a whole value. */
  form: 'url' | 'host' | 'bare';
  /** Where the body has it, as Reference.field. */
  field: string;
  /** In a ConfigMap, under which key. */
  key?: string;
}

/** A port of a Service, by number and name. */
export interface ServicePort {
  port: number;
  name: string;
}

/** Who of which namespace may refer to what here (Gateway API). */
export interface ReferenceGrant {
  from: { group: string; kind: string; namespace: string }[];
  /** `name` '': all of the kind. */
  to: { group: string; kind: string; name: string }[];
}

/** Which routes a Gateway takes, by any of its listeners: those of these namespaces, or of namespaces with these labels. */
export interface AllowedRoutes {
  namespaces: Namespaces;
  selectors: Requirement[][];
}

/** One rule of a NetworkPolicy: with whom, on which ports. Empty lists: everybody, all ports. */
export interface PolicyRule {
  peers: PolicyPeer[];
  ports: PolicyPort[];
}

/** null: of pods all, of namespaces the policy's own. */
export interface PolicyPeer {
  pods: Requirement[] | null;
  namespaces: Requirement[] | null;
  cidr: string | null;
}

export interface PolicyPort {
  protocol: string;
  /** A number, a range's first number, or a container port's name; null: all. */
  port: number | string | null;
  endPort: number | null;
}

/** null: this direction is not restricted by the policy. */
export interface Policy {
  pods: Requirement[];
  ingress: PolicyRule[] | null;
  egress: PolicyRule[] | null;
}

/** What a body says, and what others find it by. It follows from the body alone. What it does not have is absent. */
export interface Facts {
  references?: Reference[];
  labels?: Record<string, string>;
  /** Only those that say what an object belongs to (extract/delivery.ts). */
  annotations?: Record<string, string>;
  /** An object by which Argo CD or Flux delivers others: what it delivered last. */
  delivered?: { revision?: string; chart?: string };
  /** An Application of app.k8s.io: the labels of what belongs to it. */
  gathers?: Requirement[];
  /** Of a pod its labels, of a workload those of its template. */
  podLabels?: Record<string, string>;
  /** The uid of its controller. */
  controller?: string;
  /** Texts in the environment and arguments of a pod or template; in a ConfigMap the values. */
  addresses?: Address[];
  /** The keys of a ConfigMap or Secret; empty where it has none. */
  keys?: string[];
  /** A Service: its ports; without an IP address of its own, its pods have names. */
  ports?: ServicePort[];
  headless?: boolean;
  /** A Service that chooses its pods by labels: its EndpointSlices say nothing else. */
  selective?: boolean;
  /** A pod or template: the ports that its containers name. */
  namedPorts?: { name: string; port: number; protocol: string }[];
  /** A StatefulSet, or a pod with a subdomain: the Service that names its pods. */
  governedBy?: string;
  /** A pod that is called otherwise than by its name. */
  hostname?: string;
  /** An EndpointSlice that no selector stands behind: the Service, and the pods it sends to. */
  endpoints?: { service: string; pods: { namespace: string; name: string; field: string }[] };
  /** A CustomResourceDefinition: what it defines. */
  defines?: { group: string; kind: string; resource: string };
  /** A ServiceEntry: its hosts. */
  hosts?: string[];
  permits?: ReferenceGrant;
  routesFrom?: AllowedRoutes;
  policy?: Policy;
}

/** An object that exists at a moment, with its facts. */
export interface ObjectFacts {
  object: ObjectRef;
  facts: Facts;
}

/** Something that edges join. */
export type GraphNode =
  /** `seen`: false where there is no such object, or the reader may not read it; its uid is then ''. */
  | { is: 'object'; object: ObjectRef; seen: boolean; cluster?: string }
  /** A name or address outside of the cluster; an image; a user or group. */
  | { is: 'host' | 'image' | 'user' | 'group'; name: string };

/** `nodes` are referred to by their places. */
export interface Graph {
  nodes: GraphNode[];
  edges: Edge[];
}

export interface Edge {
  relation: Relation;
  certainty: Certainty;
  /** Places in the graph's nodes. */
  from: number;
  to: number;
  /** The object whose body says it; mostly `from`. */
  by: number;
  /** Where that body says it, as Reference.field: whoever set this field made the edge. */
  field: string;
  /** As Reference.key. */
  key?: string;
  optional?: boolean;
  onStart?: boolean;
  /** What it lacks: the object itself, the key in it, or the permission to refer to another namespace. */
  missing?: 'object' | 'key' | 'grant';
}
