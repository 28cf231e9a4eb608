import { refersTo, tells, type Extractor } from './extractor.ts';

const STORAGE = 'storage.k8s.io';

export const claimExtractor: Extractor = (body) => ({
  references: [
    ...refersTo('stores', body.get('spec.volumeName'), ['', 'PersistentVolume', '']),
    ...refersTo('stores', body.get('spec.storageClassName'), [STORAGE, 'StorageClass', '']),
  ],
});

/** A local volume is on one node. */
export const volumeExtractor: Extractor = (body) => {
  const spec = body.get('spec');
  const terms = spec.get('nodeAffinity.required.nodeSelectorTerms').items();
  const names = terms.flatMap((term) =>
    [...term.get('matchExpressions').items(), ...term.get('matchFields').items()]
      .filter((each) => ['kubernetes.io/hostname', 'metadata.name'].includes(each.get('key').text))
      .flatMap((each) => (each.get('operator').text === 'In' ? each.get('values').all() : [])),
  );
  return {
    references: [
      ...refersTo('stores', spec.get('storageClassName'), [STORAGE, 'StorageClass', '']),
      ...refersTo('uses', spec.get('csi.driver'), [STORAGE, 'CSIDriver', '']),
      ...names.flatMap((name) => tells('stores', name, { to: 'object', group: '', kind: 'Node', namespace: '', name: name.text })), // prettier-ignore
    ],
  };
};

export const attachmentExtractor: Extractor = (body) => ({
  references: [
    ...refersTo('stores', body.get('spec.source.persistentVolumeName'), ['', 'PersistentVolume', '']),
    ...refersTo('stores', body.get('spec.nodeName'), ['', 'Node', '']),
  ],
});
