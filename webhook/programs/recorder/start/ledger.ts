import { messageOf } from '../../../../shared/errors.ts';
import { getIfThere } from '../../../install/certificates/stored-secret.ts';
import { originOf } from '../../../ledger/proof/checkpoint.ts';
import { Shipping } from '../../../ledger/push/shipping.ts';
import { configMapPublisher, type Applier } from '../../../ledger/publish/config-map.ts';
import { Checkpoints } from '../../../ledger/publish/publish.ts';
import { checkpointsBeside } from '../../../ledger/publish/signing-keys.ts';
import type { BackgroundCheck } from '../../../ledger/sqlite/check/background-check.ts';
import { openThreadedSqliteStore } from '../../../ledger/sqlite/store/open-store.ts';
import type { SqliteStore } from '../../../ledger/sqlite/store/store.ts';
import type { KubeApiClient } from '../../../platform/kubernetes/api-client.ts';
import type { Recorder } from '../../../record/capture/recorder/recorder.ts';
import type { Turn } from '../../standby/turn.ts';
import type { Setting } from './setting.ts';

/** Opens the ledger as soon as it is free. Rejects with the ledger-* errors. `broken`: told when it can be written no more. */
export async function openLedger(
  { config, closers, now }: Setting,
  turn: Turn,
  cluster: string,
  broken: (reason: Error) => void,
): Promise<SqliteStore> {
  const store = await turn.whenFree(() => openThreadedSqliteStore(config.db, cluster, now(), broken));
  closers.add(() => store.close());
  return store;
}

/** The signed checkpoints of the ledger. `recorder`: the one that there will be, to tell that the ledger took another one's place. */
export async function openCheckpoints(
  setting: Setting,
  store: SqliteStore,
  recorder: () => Recorder,
): Promise<Checkpoints> {
  const { config, client, closers, log, now } = setting;
  const replaced = (text: string): void => {
    log.error({ reason: text }, 'this ledger took the place of another one');
    recorder()
      .cover('replaced', text, now())
      .catch((error: unknown) => log.error({ reason: messageOf(error) }, 'coverage not recorded'));
  };
  const checkpoints = await Checkpoints.open({
    head: () => store.treeHead(),
    file: checkpointsBeside(config.db),
    keyFile: config.signingKeyFile,
    everyMs: config.checkpointEveryMs,
    log,
    ...(config.checkpointConfigMap === null || client === null
      ? {}
      : { publish: configMapPublisher(config.checkpointConfigMap, applierOf(client), replaced) }),
  });
  // Closed behind the recorder, so that the last one covers all.
  closers.add(() => checkpoints.close());
  return checkpoints;
}

function applierOf(client: KubeApiClient): Applier {
  return {
    apply: (path, object, signal) => client.apply(path, object, signal),
    find: (path, signal) => getIfThere(client, path, signal),
  };
}

/** Tells of damage; recording goes on, and nothing is folded. */
export function checkLedger(check: BackgroundCheck, { config, log }: Setting): void {
  const { db } = config;
  if (check.soundness === 'unknown') log.info({ db }, 'checking the ledger: its last stop was not a clean one');
  void check.run().then(() => {
    if (check.damage === null) return;
    log.error({ db, reason: check.damage }, 'the ledger is damaged: see the runbook');
  });
}

/** Begins to push the ledger, where there is a hub. Gives RetentionOptions.heldFrom. */
export function startShipping({ config, log, now, closers }: Setting, store: SqliteStore): () => Promise<number> {
  if (config.hub === null) return () => Promise.resolve(Infinity);
  const { target, hold } = config.hub;
  const shipping = new Shipping({ path: config.db, origin: originOf(store.cluster, store.id), target }, log);
  shipping.start();
  closers.add(() => shipping.stop());
  return async () => shipping.heldFrom(now(), await store.usedBytes(), hold);
}
