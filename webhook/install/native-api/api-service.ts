import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { NATIVE_API } from '../../../shared/api.ts';
import { isObject, itemsOf } from '../../../shared/json.ts';
import { metadataOf, metadataText } from '../../../shared/normalise.ts';
import type { JsonObject } from '../../../shared/types.ts';
import type { ApiClient, ApiWriter } from '../../platform/kubernetes/api-client.ts';
import { readyPods } from './endpoints.ts';
import { getIfThere, LABELS, MANAGER } from '../certificates/stored-secret.ts';

const NAME = `${NATIVE_API.version}.${NATIVE_API.group}`;
const API_SERVICES = '/apis/apiregistration.k8s.io/v1/apiservices';
export const API_SERVICE = `${API_SERVICES}/${NAME}`;
/**
 * Part of the manifests, and its owner: an owner must be in no namespace, and this one goes at once with `kubectl delete -k`.
 * The namespace would not do: while the APIService hangs, no namespace goes.
 */
const OWNER = 'kubeblame-apiservice';
const OWNER_PATH = `/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/${OWNER}`;

/** How long nobody may answer before it is withdrawn: a rollout or a lost node is over by then, or is an outage. */
const GRACE_MS = 60_000;
/** When to try again where gateways are ready, and the API server cannot reach them. */
const RETRY_MS = 600_000;

export interface ApiServiceOptions {
  client: ApiClient & ApiWriter;
  namespace: string;
  /** Service of the gateways. */
  service: string;
  log: Logger;
  /** ms from some moment, which no change of the clock moves. */
  elapsed: () => number;
}

/**
 * Registers the native API while gateways answer, and withdraws it when none has for a minute: while the API server has an
 * APIService and gets no answer, no namespace in the cluster can be deleted.
 */
export class ApiServiceKeeper {
  /** Since when (elapsed ms) no gateway answers; null while one does. */
  private silentSince: number | null = null;
  /** Not registered again before (elapsed ms). */
  private notBefore = 0;

  constructor(private readonly options: ApiServiceOptions) {}

  /** One comparison. `caBundle`: PEM of the gateways' authorities. Rejects as `ApiClient.get`. */
  async keep(caBundle: string, signal: AbortSignal): Promise<void> {
    const { client, namespace, service, elapsed } = this.options;
    const found = await getIfThere(client, API_SERVICE, signal);
    if (found !== null && !this.isOurs(found)) return;
    const owner = await this.owner(signal);
    if (owner === null) {
      if (found !== null) await this.withdraw(found, 'the installation is being removed', signal);
      return;
    }
    const isReady = (await readyPods(client, namespace, service, signal)).length > 0;
    if (isReady && (found === null || !isUnreachable(found))) this.silentSince = null;
    else this.silentSince ??= elapsed();
    if (found === null) {
      if (isReady && elapsed() >= this.notBefore) await this.register(caBundle, owner, signal);
    } else if (this.silentSince !== null && elapsed() - this.silentSince >= GRACE_MS) {
      this.notBefore = isReady ? elapsed() + RETRY_MS : 0;
      await this.withdraw(found, isReady ? 'the API server cannot reach the gateways' : 'no gateway is ready', signal);
    } else {
      await this.repair(found, caBundle, owner, signal);
    }
  }

  private async register(caBundle: string, owner: JsonObject, signal: AbortSignal): Promise<void> {
    const { client, log } = this.options;
    const object = {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: NAME, labels: LABELS, ownerReferences: [owner] },
      spec: this.spec(caBundle),
    };
    await client.post(`${API_SERVICES}?${MANAGER}`, object, signal);
    this.silentSince = null;
    log.info({ apiService: NAME }, 'native API registered');
  }

  private async repair(found: JsonObject, caBundle: string, owner: JsonObject, signal: AbortSignal): Promise<void> {
    const { client, log } = this.options;
    const spec = this.spec(caBundle);
    const metadata = metadataOf(found);
    if (isDeepStrictEqual(found.spec, spec) && isDeepStrictEqual(metadata.ownerReferences, [owner])) return;
    const object = { ...found, metadata: { ...metadata, ownerReferences: [owner] }, spec };
    await client.put(`${API_SERVICE}?${MANAGER}`, object, signal);
    log.info({ apiService: NAME }, 'APIService written');
  }

  private async withdraw(found: JsonObject, reason: string, signal: AbortSignal): Promise<void> {
    const { client, log } = this.options;
    await client.remove(API_SERVICE, metadataText(found, 'uid'), signal);
    this.silentSince = null;
    log.warn({ apiService: NAME, reason }, 'native API withdrawn');
  }

  private spec(caBundle: string): JsonObject {
    const { namespace, service } = this.options;
    return {
      service: { namespace, name: service, port: 443 },
      group: NATIVE_API.group,
      version: NATIVE_API.version,
      caBundle: Buffer.from(caBundle).toString('base64'),
      groupPriorityMinimum: 1000,
      versionPriority: 10,
    };
  }

  private isOurs({ spec }: JsonObject): boolean {
    const { namespace } = this.options;
    return isObject(spec) && isObject(spec.service) && spec.service.namespace === namespace;
  }

  /** What it goes with; null while that or the namespace is being removed. */
  private async owner(signal: AbortSignal): Promise<JsonObject | null> {
    const { client, namespace } = this.options;
    const [binding, home] = await Promise.all([
      getIfThere(client, OWNER_PATH, signal),
      getIfThere(client, `/api/v1/namespaces/${namespace}`, signal),
    ]);
    if (binding === null || isBeingDeleted(home)) return null;
    const uid = metadataText(binding, 'uid');
    return { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', name: OWNER, uid };
  }
}

/** True where an object is gone, or on its way. */
export function isBeingDeleted(object: JsonObject | null): boolean {
  return object === null || metadataOf(object).deletionTimestamp !== undefined;
}

/** Whether the API server says that it gets no answer. It says nothing of one that is new. */
function isUnreachable({ status }: JsonObject): boolean {
  const conditions = isObject(status) ? itemsOf(status.conditions) : [];
  return conditions.some((condition) => condition.type === 'Available' && condition.status === 'False');
}
