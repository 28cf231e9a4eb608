import { Router } from 'express';
import { NATIVE_API } from '../../../../shared/api.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { openApi } from './openapi.ts';
import { API_VERSION, RESOURCES } from './resources.ts';
import { sendJson } from '../answers/status.ts';

const { group: GROUP, version: VERSION, path: PATH } = NATIVE_API;
const PREFERRED = { groupVersion: API_VERSION, version: VERSION };

/**
 * Which resources there are: `/apis`, also in its aggregated form, the group, the version, and OpenAPI v3. It is the
 * same for everybody and says nothing of a ledger, so nobody is asked who they are.
 */
export function discovery(): Router {
  const router = Router();
  router.get('/apis', (request, response) => {
    const version = aggregatedVersion(request.get('accept') ?? '');
    if (version === null) sendJson(response, { kind: 'APIGroupList', apiVersion: 'v1', groups: [apiGroup()] });
    else {
      const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
      sendJson(response, aggregated(version), 200, type);
    }
  });
  router.get(`/apis/${GROUP}`, (_request, response) => {
    sendJson(response, { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup() });
  });
  router.get(PATH, (_request, response) => sendJson(response, resourceList()));
  router.get('/openapi/v3', (_request, response) => {
    sendJson(response, { paths: { [PATH.slice(1)]: { serverRelativeURL: `/openapi/v3${PATH}` } } });
  });
  router.get(`/openapi/v3${PATH}`, (_request, response) => sendJson(response, openApi()));
  return router;
}

function apiGroup(): JsonObject {
  return { name: GROUP, versions: [PREFERRED], preferredVersion: PREFERRED };
}

function resourceList(): JsonObject {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: API_VERSION,
    resources: RESOURCES.map(({ name, singular, kind, namespaced, verbs }) => ({
      name,
      singularName: singular,
      namespaced,
      kind,
      verbs,
    })),
  };
}

/** The aggregated form that a client can take; null where it wants the plain one. */
function aggregatedVersion(accept: string): 'v2' | 'v2beta1' | null {
  const wanted = /as=APIGroupDiscoveryList/.test(accept) && /g=apidiscovery\.k8s\.io/.test(accept);
  if (!wanted) return null;
  return /[;,]\s*v=v2(?![a-z0-9])/.test(accept) ? 'v2' : /[;,]\s*v=v2beta1/.test(accept) ? 'v2beta1' : null;
}

function aggregated(version: string): JsonObject {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: [
      {
        metadata: { name: GROUP, creationTimestamp: null },
        versions: [
          {
            version: VERSION,
            freshness: 'Current',
            resources: RESOURCES.map(({ name, singular, kind, namespaced, verbs }) => ({
              resource: name,
              responseKind: { group: GROUP, version: VERSION, kind },
              scope: namespaced ? 'Namespaced' : 'Cluster',
              singularResource: singular,
              verbs,
            })),
          },
        ],
      },
    ],
  };
}
