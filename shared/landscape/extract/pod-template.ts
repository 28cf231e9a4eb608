import type { Place } from '../place.ts';
import type { Facts, Reference } from '../types.ts';
import { addressesIn } from './addresses.ts';
import { labelsAt, refersTo, tells, type Extractor, type Self } from './extractor.ts';

/** The lists of a pod that hold containers. */
const CONTAINERS = ['initContainers', 'containers', 'ephemeralContainers'];

/** What a pod or a template (a place with metadata and spec) says: PodSpec of core/v1. */
export function podFacts(pod: Place, self: Self): Facts {
  const spec = pod.get('spec');
  const containers = CONTAINERS.flatMap((list) => spec.member(list).items());
  const references = [
    ...containers.flatMap((container) => containerReferences(container, self)),
    ...spec.get('volumes').items().flatMap((volume) => volumeReferences(volume, self)), // prettier-ignore
    ...podReferences(spec, self),
  ];
  const texts = containers.flatMap((container) => [
    ...container.get('env').items().map((variable) => variable.get('value')), // prettier-ignore
    ...['command', 'args'].flatMap((list) => container.member(list).all()),
  ]);
  const addresses = texts.flatMap(addressesIn);
  const namedPorts = containers.flatMap(
    (container) =>
    container.get('ports').items().flatMap((port) => namedPort(port)), // prettier-ignore
  );
  return {
    podLabels: labelsAt(pod.get('metadata.labels')),
    ...(references.length > 0 ? { references } : {}),
    ...(addresses.length > 0 ? { addresses } : {}),
    ...(namedPorts.length > 0 ? { namedPorts } : {}),
    ...(spec.get('subdomain').text === '' ? {} : { governedBy: spec.get('subdomain').text }),
    ...(spec.get('hostname').text === '' ? {} : { hostname: spec.get('hostname').text }),
  };
}

/** A kind whose template is at a place. */
export function templateAt(way: string): Extractor {
  return (body, self) => podFacts(body.get(way), self);
}

function namedPort(port: Place): { name: string; port: number; protocol: string }[] {
  const [name, protocol] = [port.get('name').text, port.get('protocol').text];
  return name === '' ? [] : [{ name, port: port.get('containerPort').number, protocol: protocol || 'TCP' }];
}

function containerReferences(container: Place, { namespace }: Self): Reference[] {
  const found: Reference[] = [];
  const image = container.get('image');
  found.push(...tells('uses', image, { to: 'image', name: image.text }));
  for (const variable of container.get('env').items()) {
    for (const [member, kind] of CONFIGURATION_KEYS) {
      const from = variable.get('valueFrom').member(member);
      const more = { key: from.get('key').text, onStart: true, ...optionalOf(from) };
      found.push(...refersTo('uses', from.get('name'), ['', kind, namespace], more));
    }
  }
  for (const all of container.get('envFrom').items()) {
    for (const [member, kind] of CONFIGURATIONS) {
      const from = all.member(member);
      found.push(...refersTo('uses', from.get('name'), ['', kind, namespace], { onStart: true, ...optionalOf(from) }));
    }
  }
  return found;
}

const CONFIGURATION_KEYS = [
  ['configMapKeyRef', 'ConfigMap'],
  ['secretKeyRef', 'Secret'],
] as const;
const CONFIGURATIONS = [
  ['configMapRef', 'ConfigMap'],
  ['secretRef', 'Secret'],
] as const;

function optionalOf(place: Place): { optional?: true } {
  return place.get('optional').isTrue ? { optional: true } : {};
}

/** Volumes whose plugin names a Secret of the namespace. */
const VOLUME_SECRETS = [
  'azureFile.secretName',
  'cephfs.secretRef.name',
  'csi.nodePublishSecretRef.name',
  'flexVolume.secretRef.name',
  'iscsi.secretRef.name',
  'rbd.secretRef.name',
  'scaleIO.secretRef.name',
  'storageos.secretRef.name',
];

function volumeReferences(volume: Place, { namespace }: Self): Reference[] {
  const claim = volume.get('persistentVolumeClaim.claimName');
  const [driver, storageClass] = [
    volume.get('csi.driver'),
    volume.get('ephemeral.volumeClaimTemplate.spec.storageClassName'),
  ];
  return [
    ...filesOf(volume.get('configMap'), 'name', ['', 'ConfigMap', namespace]),
    ...filesOf(volume.get('secret'), 'secretName', ['', 'Secret', namespace]),
    ...volume
      .get('projected.sources')
      .items()
      .flatMap((source) => [
        ...filesOf(source.get('configMap'), 'name', ['', 'ConfigMap', namespace]),
        ...filesOf(source.get('secret'), 'name', ['', 'Secret', namespace]),
        ...refersTo('uses', source.get('clusterTrustBundle.name'), ['certificates.k8s.io', 'ClusterTrustBundle', ''], optionalOf(source.get('clusterTrustBundle'))), // prettier-ignore
      ]),
    ...refersTo('uses', claim, ['', 'PersistentVolumeClaim', namespace]),
    ...refersTo('uses', driver, ['storage.k8s.io', 'CSIDriver', '']),
    ...refersTo('uses', storageClass, ['storage.k8s.io', 'StorageClass', '']),
    ...VOLUME_SECRETS.flatMap((way) => refersTo('uses', volume.get(way), ['', 'Secret', namespace])),
  ];
}

/** A ConfigMap or Secret as files: all of it, or some of its keys. */
function filesOf(source: Place, name: string, type: readonly [string, string, string]): Reference[] {
  const items = source.get('items').items();
  const more = optionalOf(source);
  if (items.length === 0) return refersTo('uses', source.member(name), type, more);
  return items.flatMap((item) => {
    const target = { to: 'object', group: type[0], kind: type[1], namespace: type[2], name: source.member(name).text } as const; // prettier-ignore
    return target.name === '' ? [] : tells('uses', item.get('key'), target, { key: item.get('key').text, ...more });
  });
}

function podReferences(spec: Place, { namespace }: Self): Reference[] {
  return [
    ...spec.get('imagePullSecrets').items().flatMap((secret) => refersTo('uses', secret.get('name'), ['', 'Secret', namespace])), // prettier-ignore
    ...refersTo('uses', accountOf(spec), ['', 'ServiceAccount', namespace]),
    ...refersTo('uses', spec.get('priorityClassName'), ['scheduling.k8s.io', 'PriorityClass', '']),
    ...refersTo('uses', spec.get('runtimeClassName'), ['node.k8s.io', 'RuntimeClass', '']),
    ...refersTo('uses', spec.get('nodeName'), ['', 'Node', '']),
    ...spec
      .get('resourceClaims')
      .items()
      .flatMap((claim) => [
        ...refersTo('uses', claim.get('resourceClaimName'), ['resource.k8s.io', 'ResourceClaim', namespace]),
        ...refersTo('uses', claim.get('resourceClaimTemplateName'), ['resource.k8s.io', 'ResourceClaimTemplate', namespace]), // prettier-ignore
      ]),
  ];
}

/** `serviceAccount` is the old name of the same field. */
function accountOf(spec: Place): Place {
  const account = spec.get('serviceAccountName');
  return account.text === '' ? spec.get('serviceAccount') : account;
}
