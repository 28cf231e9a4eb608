import { BUILT_IN_TYPES } from '../../../shared/built-in-types.ts';
import { isObject } from '../../../shared/json.ts';
import { metadataText } from '../../../shared/normalise.ts';
import { compareResourceVersions } from '../../../shared/resource-version.ts';
import { shopDocuments } from '../../../shared/testing/shop.ts';
import type { JsonObject } from '../../../shared/types.ts';
import type { ServedType } from './served-types.ts';

/** An event of the shop recording: what its API server's watches showed. */
export interface ShopEvent {
  type: ServedType;
  version: string;
  gone: boolean;
  object: JsonObject;
}

/** The type of a recorded object. */
export function servedTypeOf(object: JsonObject): ServedType {
  const [apiVersion, kind] = [object.apiVersion, object.kind].map((value) => (typeof value === 'string' ? value : ''));
  const [first = '', second] = (apiVersion ?? '').split('/');
  const [group, version] = second === undefined ? ['', first] : [first, second];
  const known = BUILT_IN_TYPES.find((type) => type.group === group && type.kind === kind);
  return { group, version, resource: known?.resource ?? `${(kind ?? '').toLowerCase()}s`, kind: kind ?? '' };
}

/** The events of the recording in the order of their versions. */
export function shopEvents(): ShopEvent[] {
  const events = shopDocuments('watch.ndjson.gz').flatMap(({ event }) => {
    if (!isObject(event) || !isObject(event.object)) return [];
    const { type, object } = event;
    const version = metadataText(object, 'resourceVersion');
    return version === '' ? [] : [{ type: servedTypeOf(object), version, gone: type === 'DELETED', object }];
  });
  return events.sort((a, b) => compareResourceVersions(a.version, b.version));
}
