import type { JsonObject, ObjectRef } from '../types.ts';

/** What a test wants to say about a review; the rest is filled in. */
export interface ReviewOptions {
  uid?: string;
  operation?: string;
  group?: string;
  version?: string;
  resource?: string;
  kind?: string;
  subResource?: string;
  name?: string;
  namespace?: string;
  username?: string;
  groups?: string[];
  object?: JsonObject | null;
  oldObject?: JsonObject | null;
  options?: JsonObject;
  dryRun?: boolean;
}

let count = 0;

/** An AdmissionReview document: by default the creation of a ConfigMap by alice. */
export function reviewDocument(options: ReviewOptions = {}): JsonObject {
  const { group = '', version = 'v1', resource = 'configmaps', kind = 'ConfigMap' } = options;
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: options.uid ?? `00000000-0000-4000-8000-${String(++count).padStart(12, '0')}`,
      kind: { group, version, kind },
      resource: { group, version, resource },
      ...(options.subResource === undefined ? {} : { subResource: options.subResource }),
      name: options.name ?? 'settings',
      namespace: options.namespace ?? 'shop',
      operation: options.operation ?? 'CREATE',
      userInfo: { username: options.username ?? 'alice@example.com', groups: options.groups ?? ['dev-team'] },
      object: options.object === undefined ? configMap() : options.object,
      oldObject: options.oldObject ?? null,
      dryRun: options.dryRun ?? false,
      options: options.options ?? {
        kind: 'CreateOptions',
        apiVersion: 'meta.k8s.io/v1',
        fieldManager: 'kubectl-create',
      },
    },
  };
}

/** The object of `configMap()` and `reviewDocument()`. */
export const SETTINGS: ObjectRef = {
  group: '',
  resource: 'configmaps',
  kind: 'ConfigMap',
  namespace: 'shop',
  name: 'settings',
  uid: 'u-1',
};

/** A ConfigMap as a review shows it. */
export function configMap(data: JsonObject = { level: 'info' }, metadata: JsonObject = {}): JsonObject {
  return {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: {
      name: 'settings',
      namespace: 'shop',
      uid: 'u-1',
      creationTimestamp: '2026-11-22T05:00:00Z',
      ...metadata,
    },
    data,
  };
}
