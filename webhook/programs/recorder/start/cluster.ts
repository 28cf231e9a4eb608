import { existsSync } from 'node:fs';
import { clusterNameWhenThere, UNNAMED_CLUSTER } from '../../../install/cluster/cluster-name.ts';
import { isOwnObject } from '../../../install/registration/own-objects.ts';
import type { NewChange } from '../../../ledger/port/port.ts';
import type { ServerConfig } from '../../config/config.ts';
import type { Setting } from './setting.ts';

/** How often an API server that does not answer is asked for the cluster's name. */
const NAME_RETRY_MS = 5_000;

/** The cluster's name for a new ledger; a ledger that is there keeps its own, and nobody is asked. */
export async function clusterNameFor({ config, client, log }: Setting): Promise<string> {
  if (config.cluster !== null) return config.cluster;
  if (client === null || existsSync(config.db)) return UNNAMED_CLUSTER;
  const name = await clusterNameWhenThere(client, NAME_RETRY_MS, (reason) => {
    log.warn({ reason }, "waiting for the API server, for the cluster's name");
  });
  log.info({ cluster: name }, 'the ledger is of this cluster: --cluster names it otherwise');
  return name;
}

/** Tells of which changes a review is sent, and recorded, whoever makes them. Rather too few: by selectors it is not known. */
export function sentBy(
  config: ServerConfig,
  isLeftOut: (namespace: string) => boolean,
): (change: Pick<NewChange, 'object' | 'operation'>) => boolean {
  const { registration, predicates, checkpointConfigMap } = config;
  const configMaps = checkpointConfigMap === null ? [] : [checkpointConfigMap.name];
  if (registration !== null) {
    const { namespaceSelector, objectSelector } = registration.webhook;
    if (Object.keys(namespaceSelector).length + Object.keys(objectSelector).length > 0) return () => false;
  }
  return ({ object, operation }) =>
    !predicates.mayLeaveOut(object, operation) &&
    !isLeftOut(object.namespace) &&
    (registration === null || !isOwnObject(object, registration, configMaps));
}
