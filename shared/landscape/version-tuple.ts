import type { Belongings } from './belongings.ts';
import { deliveriesOf } from './evidence.ts';
import type { Facts, ObjectFacts } from './types.ts';

/** An image as a container names it. */
export interface ContainerImage {
  container: string;
  /** Without tag and digest. */
  image: string;
  /** '' where it is not told. */
  tag: string;
  digest: string;
}

/** All that tells which version of a workload runs. What is not told is absent. */
export interface VersionTuple {
  /** The label app.kubernetes.io/version. */
  version?: string;
  images: ContainerImage[];
  /** `checkout-1.5.0` */
  chart?: string;
  helmRevision?: number;
  /** What Argo CD or Flux applied last. */
  revision?: string;
}

const VERSION_LABEL = 'app.kubernetes.io/version';
const CONTAINER = /(?:^|\.)containers\[([^\]]*)\]\.image$/;

export function versionTupleOf(each: ObjectFacts, known: Belongings): VersionTuple {
  const { facts } = each;
  const { labels = {}, podLabels = {} } = facts;
  const version = labels[VERSION_LABEL] ?? podLabels[VERSION_LABEL];
  const deliveries = deliveriesOf(each, known);
  const delivered = deliveries.map(({ kind, namespace, name }) => known.delivering(kind, namespace, name)?.facts.delivered); // prettier-ignore
  const revision = delivered.find((each) => each?.revision !== undefined)?.revision;
  const chart = labels['helm.sh/chart'] ?? delivered.find((each) => each?.chart !== undefined)?.chart;
  const helm = deliveries.find(({ manager }) => manager === 'Helm');
  const helmRevision = helm === undefined ? null : known.helmRevision(helm.namespace, helm.name);
  return {
    ...(version === undefined ? {} : { version }),
    images: imagesOf(facts),
    ...(chart === undefined ? {} : { chart }),
    ...(helmRevision === null ? {} : { helmRevision }),
    ...(revision === undefined ? {} : { revision }),
  };
}

/** The images of containers that run all the time, in their order. */
function imagesOf({ references = [] }: Facts): ContainerImage[] {
  return references.flatMap(({ target, field }) => {
    const container = CONTAINER.exec(field)?.[1];
    return target.to !== 'image' || container === undefined ? [] : [{ container, ...imageParts(target.name) }];
  });
}

function imageParts(text: string): { image: string; tag: string; digest: string } {
  const [name = '', digest = ''] = text.split('@');
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  return colon < 0 ? { image: name, tag: '', digest } : { image: name.slice(0, colon), tag: name.slice(colon + 1), digest }; // prettier-ignore
}

/** The image that is the workload's own: called as it, or its first. */
export function mainImage({ images }: VersionTuple, name: string): ContainerImage | null {
  const own = images.find(({ image, container }) => container === name || image.split('/').at(-1) === name);
  return own ?? images[0] ?? null;
}

/** A label that says another version than the image that runs; null where they agree, or one of them says nothing. */
export function contradictionOf(tuple: VersionTuple, name: string): { label: string; tag: string } | null {
  const tag = mainImage(tuple, name)?.tag ?? '';
  const { version } = tuple;
  return version === undefined || tag === '' || isSameVersion(version, tag) ? null : { label: version, tag };
}

/** `24.3` is also `24.3.0` and `v24.3`, but not `24.3.0-debug`. */
export function isSameVersion(a: string, b: string): boolean {
  const [first, second] = [a, b].map((text) => text.replace(/^v(?=\d)/, '')) as [string, string];
  const [shorter, longer] = first.length <= second.length ? [first, second] : [second, first];
  return longer === shorter || (longer.startsWith(`${shorter}.`) && !/[-+]/.test(longer.slice(shorter.length)));
}

/** How surely a workload has a version: 2 where label and image say so, 1 where one of them does, 0 where none. */
export function has(tuple: VersionTuple, name: string, version: string): 0 | 1 | 2 {
  const tag = mainImage(tuple, name)?.tag ?? '';
  const saying = [tuple.version ?? '', tag].filter((each) => each !== '' && isSameVersion(each, version));
  return saying.length as 0 | 1 | 2;
}
