import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { messageOf } from '../../../shared/errors.ts';
import { isObject, itemsOf } from '../../../shared/json.ts';
import { metadataOf } from '../../../shared/normalise.ts';
import type { JsonObject } from '../../../shared/types.ts';
import type { Trust } from '../../record/gate/endpoint/origins.ts';
import type { ApiClient } from '../../platform/kubernetes/api-client.ts';
import { followList } from '../../platform/kubernetes/watch/follow-list.ts';

const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
const SERVICE = 'kubernetes.io/service-name';
const ONLY = `labelSelector=${encodeURIComponent(`${SERVICE}=kubernetes`)}`;

/** Where reviews may come from. */
export interface ApiServerNetworks {
  /** Addresses and networks: origins.ts. */
  networks: string[];
  /** Whether the API servers' own addresses, as the cluster names them, are among them. */
  endpoints: boolean;
}

/**
 * Knows where reviews may come from: by what is configured, and by the addresses that the API servers publish themselves, in the
 * EndpointSlices of Service default/kubernetes.
 */
export class ApiServers {
  /** null: not known yet. While they cannot be read, the last ones hold. */
  private addresses: string[] | null = null;

  constructor(
    private readonly configured: ApiServerNetworks | null,
    private readonly client: ApiClient | null,
    private readonly log: Logger,
    private readonly retryMs?: number,
  ) {}

  /** While the addresses that the cluster names are asked for and not known, nobody is turned away for it. */
  get trust(): Trust {
    const { networks = [], endpoints = true } = this.configured ?? {};
    const known = this.addresses ?? [];
    return {
      networks: [...networks, ...(endpoints ? known : [])],
      enforced: this.configured !== null && (!endpoints || known.length > 0),
    };
  }

  /** Tells what changes, from now on. Returns what ends it. */
  follow(changed: (trust: Trust) => void): () => void {
    const { client, log, retryMs } = this;
    if (client === null || this.configured?.endpoints === false) return () => undefined;
    return followList({
      client,
      path: SLICES,
      only: ONLY,
      changed: (slices) => {
        const addresses = [...new Set(slices.flatMap(addressesIn))].sort();
        if (isDeepStrictEqual(addresses, this.addresses)) return;
        this.addresses = addresses;
        log.info({ addresses, enforced: this.trust.enforced }, 'addresses of the API servers');
        changed(this.trust);
      },
      failed: (error) => {
        const known = this.addresses !== null;
        log.error({ reason: messageOf(error), known }, 'addresses of the API servers cannot be read');
      },
      ...(retryMs === undefined ? {} : { retryMs }),
    });
  }
}

function addressesIn(slice: JsonObject): string[] {
  const { labels } = metadataOf(slice);
  if (!isObject(labels ?? null) || (labels as JsonObject)[SERVICE] !== 'kubernetes') return [];
  return itemsOf(slice.endpoints).flatMap(({ addresses }) =>
    Array.isArray(addresses) ? addresses.filter((address) => typeof address === 'string') : [],
  );
}
