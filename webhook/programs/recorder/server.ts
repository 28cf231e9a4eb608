import { existsSync } from 'node:fs';
import type { Logger } from 'pino';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { ruleNames } from '../../../shared/redact-values.ts';
import { Redactor } from '../../../shared/redact.ts';
import type { LedgerReader } from '../../../shared/types.ts';
import { clientTls, openAccess } from '../../ask/access/access.ts';
import type { Caller } from '../../ask/access/identity/caller.ts';
import type { GateData } from '../../record/gate/thread/gate-messages.ts';
import { Gate, type GateListener } from '../../record/gate/thread/gate.ts';
import { pages } from './pages.ts';
import { ReviewReader } from '../../record/review/review-reader.ts';
import { readApi } from '../../ask/rest/routes.ts';
import { Intake } from '../../record/capture/intake/intake.ts';
import { Recorder } from '../../record/capture/recorder/recorder.ts';
import { SignsOfLife } from '../../record/coverage/signs-of-life.ts';
import { Clock, JUMP_MS } from '../../platform/clock/clock.ts';
import { ClockWatch } from '../../platform/clock/clock-watch.ts';
import type { ServerConfig } from '../config/config.ts';
import type { Address } from '../../platform/http/listener.ts';
import { DiskReserve, RESERVE_BYTES } from '../../platform/files/disk-reserve.ts';
import { Health } from './health.ts';
import { ApiServers } from '../../install/cluster/api-servers.ts';
import { clusterNameWhenThere, UNNAMED_CLUSTER } from '../../install/cluster/cluster-name.ts';
import { USUAL_WEBHOOK, WEBHOOK_NAME } from '../../install/registration/configuration.ts';
import { openIdentity, type Identity } from '../../install/identity.ts';
import { isOwnObject } from '../../install/registration/own-objects.ts';
import { getIfThere } from '../../install/certificates/stored-secret.ts';
import { drain, listen, listener } from '../../platform/http/listener.ts';
import type { Collector } from '../../platform/telemetry/collector.ts';
import { Metrics } from './metrics/metrics.ts';
import { exportMetrics, pendingIn } from './metrics/sources.ts';
import { ApiCounters } from '../../record/coverage/api-counters.ts';
import { openApiClient, timeOf, type ApiClient, type KubeApiClient } from '../../platform/kubernetes/api-client.ts';
import { OBSERVER_TIMING, type Observer, type ObserverTiming } from '../../record/sources/watch/observer.ts';
import type { RegistrationWatch } from '../../record/coverage/coverage.ts';
import { startObserver } from '../../record/sources/watch/start.ts';
import { configMapPublisher, type Applier } from '../../ledger/publish/config-map.ts';
import { Checkpoints } from '../../ledger/publish/publish.ts';
import { checkpointsBeside } from '../../ledger/publish/signing-keys.ts';
import { fullText, roomText } from '../../ledger/port/intervals.ts';
import { Reading } from '../../ask/thread/reading.ts';
import { removeOldEpochs } from '../../record/spool/epochs.ts';
import { Progress } from '../../record/spool/progress.ts';
import { SpoolReader } from '../../record/spool/reader.ts';
import { ledgerNumber } from '../../record/spool/records.ts';
import { spoolFolder } from '../../record/spool/segments.ts';
import { SPOOL_BYTES } from '../../record/spool/spool.ts';
import { EarlyListener, lookBeside } from '../standby/early.ts';
import { Turn } from '../standby/turn.ts';
import { redactionKey } from '../../ledger/files/redaction-key.ts';
import type { NewChange } from '../../ledger/port/port.ts';
import { openStream } from '../../ask/stream/open.ts';
import { BATCH_BYTES } from '../../ask/stream/stream.ts';
import { startRetention } from '../../ledger/retention/retention.ts';
import type { BackgroundCheck } from '../../ledger/sqlite/check/background-check.ts';
import { openThreadedSqliteStore, type SqliteStore } from '../../ledger/sqlite/store/store.ts';
import { VERSION } from '../../../shared/version.ts';
import { expiryOf } from '../../platform/http/tls.ts';

/** How long a question waits for what was answered before it. */
const CAUGHT_UP_MS = 5_000;

/** Bytes that may lie in the spool, and that are kept in reserve for a full disk. */
export interface Sizes {
  spool: number;
  reserve: number;
}
const SIZES: Sizes = { spool: SPOOL_BYTES, reserve: RESERVE_BYTES };

export interface RunningServer {
  admission: Address;
  read: Address;
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
  const opened: Closer[] = [];
  try {
    const opening = open(config, log, clock, { timing, sizes, signal }, opened);
    return await Promise.race([opening, rejectsWhen(signal)]);
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

type Closer = () => Promise<void> | void;

/** Opens one thing after another; each leaves in `opened` how it is closed. */
async function open(
  config: ServerConfig,
  log: Logger,
  clock: Clock,
  { timing, sizes, signal }: { timing: ObserverTiming; sizes: Sizes; signal: AbortSignal },
  opened: Closer[],
): Promise<RunningServer> {
  const now = (): number => clock.now();
  const client = config.kubeconfig === null ? null : await openApiClient(config.kubeconfig);
  const turn = await Turn.wait(config, { client, log, now, signal });
  opened.push(() => turn.close());
  const identity = await openIdentity(config, client, log, now);
  opened.push(() => identity.close());
  const { promise: broken, resolve: tellBroken } = newPromise<Error>();
  const cluster = await nameOf(config, client, log);
  const openStore = async (): Promise<SqliteStore> => {
    const opening = await turn.whenFree(() => openThreadedSqliteStore(config.db, cluster, now(), tellBroken));
    opened.push(() => opening.close());
    return opening;
  };
  // A server that is about to stop has the ledger for some seconds more: reviews are answered meanwhile.
  const beside = turn.isBeside ? await lookBeside(config.db) : null;
  const free = beside === null ? await openStore() : null;
  // Before anything is dated.
  const clockEvents: string[] = [];
  let tellClock = (detail: string): void => void clockEvents.push(detail);
  const newestAt = beside === null ? ((await free?.last())?.at ?? null) : beside.newestAt;
  const clockWatch = new ClockWatch({ clock, newestAt, tell: (detail) => tellClock(detail) });
  clockWatch.start(client === null ? null : await timeOf(client));
  opened.push(() => clockWatch.close());
  if (client !== null) client.dated = (at) => clockWatch.see(at);
  const progress = new Progress();
  const gateListener = new EarlyListener();
  const apiServers = new ApiServers(config.apiServers, client, log);
  const collectorOf = (name: string): Collector | null =>
    config.otlpEndpoint === null ? null : { endpoint: config.otlpEndpoint, cluster: name };
  const startGate = async (place: SpoolPlace, name: string, key: Buffer): Promise<Gate> => {
    const spool = { ...place, maxBytes: sizes.spool };
    const { trust } = apiServers;
    const context = { config, identity, clock, progress, key, trust, spool, collector: collectorOf(name) };
    const started = await openGate(context, gateListener);
    opened.push(() => started.close());
    opened.push(apiServers.follow((changed) => started.trust(changed)));
    await turn.answers();
    return started;
  };
  let gate = beside === null ? null : await startGate(beside, beside.cluster, redactionKey(config.keyFile, false));
  const answersSince = gate === null ? null : now();
  const store = free ?? (await openStore());
  // Behind the ledger, as it stands beside it: the other server has its own until then.
  const disk = await DiskReserve.open({ db: config.db, bytes: sizes.reserve, now });
  opened.push(() => disk.close());
  if (config.cluster !== null && config.cluster !== store.cluster)
    log.warn({ given: config.cluster, kept: store.cluster }, 'the ledger keeps the name of its cluster');
  const replaced = (text: string): void => {
    log.error({ reason: text }, 'this ledger took the place of another one');
    recorder.cover('replaced', text, now()).catch((error: unknown) => {
      log.error({ reason: messageOf(error) }, 'coverage not recorded');
    });
  };
  const checkpoints = await Checkpoints.open({
    head: () => store.treeHead(),
    file: checkpointsBeside(config.db),
    keyFile: config.signingKeyFile,
    everyMs: config.checkpointEveryMs,
    log,
    ...(config.checkpointConfigMap === null || client === null
      ? {}
      : { publish: configMapPublisher(config.checkpointConfigMap, applierOf(client), (text) => replaced(text)) }),
  });
  // Closed behind the recorder, so that the last one covers all.
  opened.push(() => checkpoints.close());
  const collector = collectorOf(store.cluster);
  const stream = await openStream(config, { store, collector, log, now });
  opened.push(() => stream?.close());
  const key = redactionKey(config.keyFile, (await store.last()) === null);
  const redactor = new Redactor(key, config.redact, config.patterns);
  let observer: Observer | null = null;
  const metrics = new Metrics({
    queueDepth: () => intake.depth,
    pending: () => pendingIn(store, now()),
    ledger: async () => ({ changes: (await store.last())?.seq ?? 0, bytes: await store.bytes() }),
    watchLagMs: () => observer?.lagMs ?? null,
    clockAheadMs: () => (Math.abs(clock.difference()) > JUMP_MS ? clock.difference() : 0),
    leaseHeld: () => turn.holds,
    ledgerDamaged: () => store.check.damage !== null,
    certificateExpiresAt: () => expiryOf(identity.serving.cert),
    redactionRules: ruleNames(config.redact),
    unsentSince: () => (stream === null ? null : (stream.unsentSince ?? now())),
    redacted: () => redactor.takeCounts(),
    apiServerNetworks: () => apiServers.trust.networks.length,
    now,
  });
  let isStarted = false;
  let registration: RegistrationWatch | null = null;
  const isSent = sentBy(config, (namespace) => registration?.leavesOut(namespace) === true);
  const recorder = await Recorder.open({
    store,
    isSent,
    redactor,
    predicates: config.predicates,
    events: metrics,
    disk,
    overBudget: (user) =>
      log.warn({ user }, 'bodies of requests are not kept: too much was never persisted in this hour'),
    // The start is told before what was answered since.
    fence: () => (isStarted ? intake.handedOver() : Promise.resolve(0)),
    lostFact: (error, { group, resource, namespace, name }) => {
      metrics.loseFact();
      const stack = error instanceof Error ? error.stack : undefined;
      log.error({ group, resource, namespace, name, reason: messageOf(error), stack }, 'observed object not recorded');
    },
    failing: (error) => log.error({ reason: messageOf(error) }, 'contents not ended, trying again'),
  });
  opened.push(() => recorder.close());
  const ledger = ledgerNumber(store.id);
  const folder = spoolFolder(config.db);
  const spool = new SpoolReader(folder, ledger);
  const intake = new Intake({
    spool,
    progress,
    reviews: new ReviewReader((type, text) => redactor.covers(type, text)),
    recorder,
    now,
    recorded: (result) => metrics.count(result),
    lost: (error, uid, count) => health.lost(error, uid, count),
    failing: (error) => {
      const code = error instanceof KubeblameError ? error.code : 'internal';
      log.error(
        { code, reason: messageOf(error) },
        'the ledger takes no reviews: they stay in the spool, trying again',
      );
    },
    taken: (through) => gate?.taken(through),
  });
  const signs = new SignsOfLife(recorder, now);
  disk.tell((isFull, since) => {
    metrics.diskFull(isFull);
    if (isFull) log.error({ db: config.db }, 'the disk is full: bodies are not recorded until there is room');
    else log.warn({ db: config.db }, 'the disk has room again');
    signs.tell(isFull ? 'full' : 'room', isFull ? fullText(since) : roomText(since));
  });
  const health = new Health({
    log,
    metrics,
    checkSpool: () => gate?.checkWritable(intake.progress.through),
    checkLedger: () => store.checkWritable(),
    lease: () => turn.state,
    isFull: () => disk.isFull,
    damage: () => store.check.damage,
  });
  // Closed behind the intake: what is lost at the end is told as well.
  opened.push(() => signs.close());
  opened.push(() => intake.close());
  // Before anything that happens from now on.
  if (answersSince === null) await intake.takeLeft();
  await signs.start(store, VERSION, answersSince ?? now());
  isStarted = true;
  if (answersSince !== null) await intake.takeLeft();
  tellClock = (detail) => {
    log.warn({ detail }, 'clock');
    // Where it cannot be written, the log has it.
    recorder.cover('clock', detail, now()).catch(() => undefined);
  };
  for (const detail of clockEvents) tellClock(detail);
  const heldBack = (): string | null =>
    store.check.damage === null ? clockWatch.doubt : `the ledger is damaged: ${store.check.damage}`;
  opened.push(
    startRetention({
      ...{ store, policy: config.retention, now, log, heldBack },
      between: (work) => recorder.maintain(work),
    }),
  );

  opened.push(await exportMetrics(collector, metrics));
  const next = beside?.next ?? progress.through + 1;
  const left = intake.left();
  removeOldEpochs(folder, next, left);
  const admission = gate ?? (await startGate({ folder, ledger, next, left }, store.cluster, key));
  gate = admission;
  gateListener.passOn(listenerOf({ intake, metrics, health, signs, disk }));
  // Before what it gives reviews to.
  opened.push(() => admission.close());
  const access = await openAccess(config, log, () => {
    renew();
    // Those that were verified by what was trusted before count for nobody any more.
    read.closeIdleConnections();
  });
  opened.push(() => access.close());
  const closing = new AbortController();
  const caughtUp = async (): Promise<void> => {
    if (await intake.settled(CAUGHT_UP_MS)) return;
    throw new KubeblameError(
      'overloaded',
      `${intake.depth} reviews are still to be taken into the ledger`,
      'ask again',
    );
  };
  const lastSeq = async (): Promise<number> => (await store.last())?.seq ?? 0;
  const reading = new Reading({ path: config.db, clock: clock.memory }, access.reviews, tellBroken, (text) =>
    log.warn(text),
  );
  opened.push(() => reading.close());
  stream?.start((after) => reading.commits(after, BATCH_BYTES));
  opened.push(() => stream?.stop());
  const readerOf = (caller: Caller): LedgerReader => reading.readerOf(caller);
  const read = listener(
    { ...identity.serving, ...clientTls(access) },
    readApi({ authenticate: access.authenticate, readerOf, caughtUp, lastSeq, now, closing: closing.signal, log }),
  );
  access.frontProxy?.guard(read);
  // Whom a client certificate must come from changes as the certificate of our own does: for new connections.
  const renew = (): void => read.setSecureContext({ ...identity.serving, ...clientTls(access) });
  const readAddress = await listen(read, config.readListen, '--read-listen');
  opened.push(() => drain(read));
  // Before it waits for answers that are under way: a watch has no end of its own.
  opened.push(() => {
    closing.abort();
    reading.hurry();
  });
  // Nobody calls before somebody answers; and the baseline is listed after reviews have begun to come.
  await identity.start(
    async () => (await health.readiness()).ready,
    () => {
      renew();
      return admission.setCredentials(identity.proof);
    },
  );
  const { judge } = identity;
  const repair = (): void => identity.repair();
  const watches = (watch: RegistrationWatch): void => void (registration = watch);
  const { predicates, webhookConfiguration } = config;
  observer = startObserver({
    ...{ predicates, webhookConfiguration, recorder, store, log, now, timing, client, judge, repair, watches },
  });
  opened.push(() => observer?.close());
  if (client !== null) {
    const missed = signs.unanswered.bind(signs);
    const counters = new ApiCounters({ client, webhook: WEBHOOK_NAME, missed, log, now });
    counters.start();
    opened.push(() => counters.close());
  }
  opened.push(() => health.stop());
  await checkpoints.start();
  checkLedger(store.check, config.db, log);

  const answering = {
    reviews: () => progress.through,
    stopWatching: async () => observer?.close(),
    sendAway: () => admission.sendAway(),
  };
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= turn.handOver(answering).then(() => closeAll(opened)));
  return { admission: admission.address, read: readAddress, caughtUp, stop, broken, replaced: turn.replaced };
}

function applierOf(client: KubeApiClient): Applier {
  return {
    apply: (path, object, signal) => client.apply(path, object, signal),
    find: (path, signal) => getIfThere(client, path, signal),
  };
}

/** Tells of which changes a review is sent, and recorded, whoever makes them. Rather too few: by selectors it is not known. */
function sentBy(config: ServerConfig, isLeftOut: (namespace: string) => boolean): (change: NewChange) => boolean {
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

/** How often an API server that does not answer is asked for the cluster's name. */
const NAME_RETRY_MS = 5_000;

/** The cluster's name for a new ledger; a ledger that is there keeps its own, and nobody is asked. */
async function nameOf(config: ServerConfig, client: ApiClient | null, log: Logger): Promise<string> {
  if (config.cluster !== null) return config.cluster;
  if (client === null || existsSync(config.db)) return UNNAMED_CLUSTER;
  const name = await clusterNameWhenThere(client, NAME_RETRY_MS, (reason) => {
    log.warn({ reason }, "waiting for the API server, for the cluster's name");
  });
  log.info({ cluster: name }, 'the ledger is of this cluster: --cluster names it otherwise');
  return name;
}

type SpoolPlace = Omit<GateData['spool'], 'maxBytes'>;

interface GateContext extends Pick<GateData, 'spool' | 'collector' | 'trust'> {
  config: ServerConfig;
  identity: Identity;
  key: Buffer;
  clock: Clock;
  progress: Progress;
}

/** Starts the thread that answers reviews. Rejects with config-invalid. */
function openGate(context: GateContext, listener: GateListener): Promise<Gate> {
  const { config, identity, key, clock, progress, ...rest } = context;
  const data: GateData = {
    ...rest,
    address: config.listen,
    by: config.callers.by,
    proof: identity.proof,
    rules: config.predicates.rules,
    redaction: { key, rules: config.redact, patterns: config.patterns },
    progress: progress.memory,
    clock: clock.memory,
    patienceMs: (config.registration?.webhook ?? USUAL_WEBHOOK).timeoutSeconds * 1000,
  };
  return Gate.open(data, listener);
}

interface GateListeners {
  intake: Intake;
  metrics: Metrics;
  health: Health;
  signs: SignsOfLife;
  disk: DiskReserve;
}

function listenerOf({ intake, metrics, health, signs, disk }: GateListeners): GateListener {
  return {
    spooled: () => intake.wake(),
    answered: (seconds, others) => {
      metrics.answered(seconds);
      for (const result of ['dry-run', 'excluded'] as const) metrics.count(result, others[result]);
      metrics.redacted(others.redacted);
      for (const [address, reviews] of others.elsewhere) health.elsewhere(address, reviews);
    },
    lost: (error, uid) => {
      health.lost(error, uid);
      signs.lose();
      if (error instanceof KubeblameError && error.code === 'ledger-full') disk.spend();
    },
    stalled: (ms, to) => {
      health.stalled(ms);
      signs.stalled(ms, to);
    },
    refused: (error) => health.refused(error),
    turnedAway: (error, from, review) => {
      health.turnedAway(error, from);
      if (!review) return;
      // A way of the API server's that nobody thought of would be a gap.
      metrics.fromElsewhere(1);
      signs.lose();
    },
    page: pages(health, metrics),
  };
}

/** Rejects with an AbortError as soon as the signal is given. */
function rejectsWhen(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(new DOMException('stopped while it was starting', 'AbortError'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  });
}

/** A promise, and what resolves it. (Promise.withResolvers needs Node 22.) */
function newPromise<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((given) => (resolve = given));
  return { promise, resolve };
}

/** Tells of damage; recording goes on, and nothing is folded. */
function checkLedger(check: BackgroundCheck, db: string, log: Logger): void {
  if (check.soundness === 'unknown') log.info({ db }, 'checking the ledger: its last stop was not a clean one');
  void check.run().then(() => {
    if (check.damage === null) return;
    log.error({ db, reason: check.damage }, 'the ledger is damaged: see the runbook');
  });
}

/** Closes what was opened, the last first. */
async function closeAll(opened: readonly Closer[]): Promise<void> {
  for (const close of [...opened].reverse()) await close();
}
