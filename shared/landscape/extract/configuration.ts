import type { Facts } from '../types.ts';
import { addressesInFile } from './addresses.ts';
import { refersTo, type Extractor } from './extractor.ts';

export const configMapExtractor: Extractor = (body) => {
  const texts = body.get('data').members();
  const addresses = texts.flatMap(([key, place]) => addressesInFile(place, key));
  const keys = [...texts, ...body.get('binaryData').members()].map(([key]) => key).sort();
  return { keys, ...(addresses.length > 0 ? { addresses } : {}) };
};

/** Its values are redacted: nothing is looked for in them. */
export const secretExtractor: Extractor = (body, self): Facts => {
  const keys = ['data', 'stringData'].flatMap((member) => body.member(member).members().map(([key]) => key)); // prettier-ignore
  const account = body.get('metadata.annotations').member('kubernetes.io/service-account.name');
  const references = refersTo('uses', account, ['', 'ServiceAccount', self.namespace]);
  return { keys: [...new Set(keys)].sort(), ...(references.length > 0 ? { references } : {}) };
};

export const serviceAccountExtractor: Extractor = (body, self) => ({
  references: ['imagePullSecrets', 'secrets'].flatMap(
    (list) =>
    body.member(list).items().flatMap((secret) => refersTo('uses', secret.get('name'), ['', 'Secret', self.namespace])), // prettier-ignore
  ),
});
