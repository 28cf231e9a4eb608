import type { Logger } from 'pino';
import { Redactor } from '../../../shared/redact.ts';
import { openStreams } from '../../ask/stream/open.ts';
import { ApiServers } from '../../install/cluster/api-servers.ts';
import { openIdentity, type Identity } from '../../install/identity.ts';
import { WEBHOOK_NAME } from '../../install/registration/configuration.ts';
import { redactionKey } from '../../ledger/files/redaction-key.ts';
import type { SqliteStore } from '../../ledger/sqlite/store/store.ts';
import { startRetention } from '../../ledger/retention/retention.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { DiskReserve, RESERVE_BYTES } from '../../platform/files/disk-reserve.ts';
import type { Address } from '../../platform/http/listener.ts';
import { openApiClient } from '../../platform/kubernetes/api-client.ts';
import { ApiCounters } from '../../record/coverage/api-counters.ts';
import type { RegistrationWatch } from '../../record/coverage/coverage.ts';
import { OBSERVER_TIMING, type ObserverTiming } from '../../record/sources/watch/observer.ts';
import { startObserver } from '../../record/sources/watch/start.ts';
import { removeOldEpochs } from '../../record/spool/epochs.ts';
import { Progress } from '../../record/spool/progress.ts';
import { ledgerNumber } from '../../record/spool/records.ts';
import { spoolFolder } from '../../record/spool/segments.ts';
import { SPOOL_BYTES } from '../../record/spool/spool.ts';
import type { ServerConfig } from '../config/config.ts';
import { lookBeside } from '../standby/early.ts';
import { Turn } from '../standby/turn.ts';
import type { AuditResult } from '../../record/sources/audit/audit-intake.ts';
import { startAudit } from './start/audit/audit.ts';
import { exportMetrics } from './metrics/sources.ts';
import { Answering, collectorOf } from './start/answering.ts';
import { watchClock } from './start/clock.ts';
import { clusterNameFor } from './start/cluster.ts';
import { checkLedger, openCheckpoints, openLedger, startShipping } from './start/ledger.ts';
import { openEvents } from './start/events.ts';
import { openReading } from './start/reading.ts';
import { openRecording, type Recording } from './start/recording.ts';
import { Closers, newPromise, rejectsWhen, type Setting } from './start/setting.ts';

/** Bytes that may lie in the spool, and that are kept in reserve for a full disk. */
export interface Sizes {
  spool: number;
  reserve: number;
}
const SIZES: Sizes = { spool: SPOOL_BYTES, reserve: RESERVE_BYTES };

export interface RunningServer {
  admission: Address;
  read: Address;
  /** Where the API server's audit webhook posts; null where it does not. */
  audit: Address | null;
  /** Resolves when all reviews that were answered are in the ledger. Rejects with overloaded where that takes long. */
  caughtUp(): Promise<void>;
  /** Stops accepting, finishes what was accepted, closes the ledger. Idempotent. */
  stop(): Promise<void>;
  /**
   * Resolves with the reason when the server can record nothing any more, and only a new process helps. What it has
   * answered lies in the spool, and is recorded at the next start.
   */
  broken: Promise<Error>;
  /** Resolves with who has taken the Lease, where that was ours: then this server should be stopped. */
  replaced: Promise<string>;
}

/**
 * Builds everything, and starts to serve; a standby waits for its turn first (standby/turn.ts). Rejects with config-invalid, the
 * ledger-* errors, or key-missing; and with an AbortError where the signal ends it before.
 */
export async function startServer(
  config: ServerConfig,
  log: Logger,
  clock = new Clock(),
  timing: ObserverTiming = OBSERVER_TIMING,
  sizes = SIZES,
  signal: AbortSignal = new AbortController().signal,
): Promise<RunningServer> {
  const closers = new Closers();
  try {
    const now = (): number => clock.now();
    const client = config.kubeconfig === null ? null : await openApiClient(config.kubeconfig);
    const setting: Setting = { config, log, clock, now, client, closers };
    return await Promise.race([open(setting, { timing, sizes, signal }), rejectsWhen(signal)]);
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

/** Opens one thing after another; each tells the closers how it is closed. */
async function open(
  setting: Setting,
  { timing, sizes, signal }: { timing: ObserverTiming; sizes: Sizes; signal: AbortSignal },
): Promise<RunningServer> {
  const { config, log, now, client, closers } = setting;
  const turn = await Turn.wait(config, { client, log, now, signal });
  closers.add(() => turn.close());
  const identity = await openIdentity(config, client, log, now);
  closers.add(() => identity.close());
  const { promise: broken, resolve: tellBroken } = newPromise<Error>();
  const cluster = await clusterNameFor(setting);
  // A server that is about to stop has the ledger for some seconds more: reviews are answered meanwhile.
  const beside = turn.isBeside ? await lookBeside(config.db) : null;
  const free = beside === null ? await openLedger(setting, turn, cluster, tellBroken) : null;
  const clockWatch = await watchClock(setting, beside?.newestAt ?? (await free?.last())?.at ?? null);
  const progress = new Progress();
  const apiServers = new ApiServers(config.apiServers, client, log);
  const answering = new Answering(setting, { identity, turn, apiServers, progress, maxBytes: sizes.spool });
  if (beside !== null) await answering.start(beside, beside.cluster, redactionKey(config.keyFile, false));
  const answersSince = beside === null ? null : now();

  const store = free ?? (await openLedger(setting, turn, cluster, tellBroken));
  // Behind the ledger, as it stands beside it: the other server has its own until then.
  const disk = await DiskReserve.open({ db: config.db, bytes: sizes.reserve, now });
  closers.add(() => disk.close());
  if (config.cluster !== null && config.cluster !== store.cluster)
    log.warn({ given: config.cluster, kept: store.cluster }, 'the ledger keeps the name of its cluster');
  const checkpoints = await openCheckpoints(setting, store, () => recording.recorder);
  // Closed behind the recorder, so that the last one covers all.
  closers.add(() => checkpoints.close());
  const collector = collectorOf(setting, store.cluster);
  const streams = await openStreams(config, { store, collector, log, now });
  for (const stream of streams) closers.add(() => stream.close());
  const stream = streams.find(({ what }) => what === 'commits') ?? null;

  const key = redactionKey(config.keyFile, (await store.last()) === null);
  const redactor = new Redactor(key, config.redact, config.patterns);
  const parts = { store, disk, redactor, identity, turn, apiServers, progress, answering, stream };
  const recording: Recording = await openRecording(setting, parts);
  const { recorder, intake, metrics, health, signs } = recording;
  await recording.begin(answersSince);
  clockWatch.tellTo(recorder);
  const heldBack = (): string | null =>
    store.check.damage === null ? clockWatch.doubt : `the ledger is damaged: ${store.check.damage}`;
  const between = <T>(work: () => Promise<T>): Promise<T> => recorder.maintain(work);
  const heldFrom = startShipping(setting, store);
  closers.add(startRetention({ store, policy: config.retention, now, log, heldBack, between, heldFrom }));
  closers.add(await exportMetrics(collector, metrics));

  const [folder, ledger, left] = [spoolFolder(config.db), ledgerNumber(store.id), intake.left()];
  const next = beside?.next ?? progress.through + 1;
  removeOldEpochs(folder, next, left);
  const gate = answering.started ?? (await answering.start({ folder, ledger, next, left }, store.cluster, key));
  answering.tell({ intake, metrics, health, signs, disk });
  // Before what it gives reviews to.
  closers.add(() => gate.close());
  const reading = await openReading(setting, { identity, store, intake, streams, broken: tellBroken });
  const count = (result: AuditResult): void => metrics.auditEvent(result);
  const audit = await startAudit(config.audit, { recorder, serving: identity.serving, log, now, count });
  closers.add(() => audit.close());
  // Nobody calls before somebody answers; and the baseline is listed after reviews have begun to come.
  await identity.start(
    async () => (await health.readiness()).ready,
    () => {
      reading.renew();
      audit.renew(identity.serving);
      return gate.setCredentials(identity.proof);
    },
  );
  watchCluster(setting, timing, { ...parts, heldBack }, recording);
  closers.add(() => health.stop());
  await checkpoints.start();
  checkLedger(store.check, setting);

  const parting = {
    reviews: () => progress.through,
    stopWatching: async () => recording.watched.observer?.close(),
    sendAway: () => gate.sendAway(),
  };
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= turn.handOver(parting).then(() => closers.closeAll()));
  return {
    admission: gate.address,
    read: reading.address,
    audit: audit.address,
    caughtUp: () => reading.caughtUp(),
    stop,
    broken,
    replaced: turn.replaced,
  };
}

/** Starts to watch the cluster, and to compare what is recorded with what its API server counts. */
function watchCluster(
  setting: Setting,
  timing: ObserverTiming,
  {
    store,
    identity,
    redactor,
    heldBack,
  }: { store: SqliteStore; identity: Identity; redactor: Redactor; heldBack: () => string | null },
  { recorder, reader, signs, watched, metrics }: Recording,
): void {
  const { config, log, now, client, closers } = setting;
  const { predicates, webhookConfiguration } = config;
  const { judge } = identity;
  const repair = (): void => identity.repair();
  const watches = (registration: RegistrationWatch): void => void (watched.registration = registration);
  watched.observer = startObserver({
    ...{ predicates, webhookConfiguration, recorder, store, log, now, timing, client, judge, repair, watches, reader },
    events: openEvents(setting, { store, redactor, metrics, heldBack }),
  });
  closers.add(() => watched.observer?.close());
  if (client === null) return;
  const counters = new ApiCounters({
    ...{ client, log, now },
    webhooks: () => (config.registration === null ? (watched.registration?.names ?? []) : [WEBHOOK_NAME]),
    missed: ({ reason, count, what }, from, to) => {
      metrics.miss(reason, count);
      signs.unanswered(what, from, to);
    },
  });
  counters.start();
  closers.add(() => counters.close());
}
