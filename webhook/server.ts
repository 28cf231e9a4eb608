import type { IncomingMessage, ServerResponse } from 'node:http';
import express from 'express';
import type { Logger } from 'pino';
import { KubeblameError } from '../shared/errors.ts';
import { Redactor } from '../shared/redact.ts';
import type { LedgerReader } from '../shared/types.ts';
import { clientTls, openAccess, readerFor } from './access/access.ts';
import type { Caller } from './access/caller.ts';
import { pathOf, type Callers } from './admission/callers.ts';
import { admissionHandler } from './admission/handler.ts';
import { ReviewReader } from './admission/review-reader.ts';
import { readApi } from './api/routes.ts';
import { QUEUE_LIMITS, Recorder, type QueueLimits } from './capture/recorder.ts';
import { SignsOfLife } from './capture/signs-of-life.ts';
import type { Address, ServerConfig } from './config/config.ts';
import { Health } from './health.ts';
import { sendFailure } from './http.ts';
import { openIdentity } from './install/identity.ts';
import { drain, listen, listener } from './listener.ts';
import { Metrics } from './observability/metrics.ts';
import type { Handler, Telemetry } from './observability/telemetry.ts';
import { openApiClient } from './observe/api-client.ts';
import { OBSERVER_TIMING, type Observer, type ObserverTiming } from './observe/observer.ts';
import { startObserver } from './observe/start.ts';
import { configMapPublisher } from './proof/config-map.ts';
import { Checkpoints } from './proof/publish.ts';
import { checkpointsBeside } from './proof/keys.ts';
import { UNVERIFIED_AFTER_MS } from './query/views.ts';
import { redactionKey } from './store/key.ts';
import type { LedgerStore } from './store/port.ts';
import { startRetention } from './store/retention.ts';
import { openThreadedSqliteStore } from './store/sqlite/store.ts';
import { VERSION } from '../shared/version.ts';
import { expiryOf } from './tls.ts';

/** Attempts without an outcome are counted for the metrics up to here. */
const MAX_COUNTED_PENDING = 1000;
/** OpenTelemetry's own default. */
const TELEMETRY_INTERVAL_MS = 60_000;

export interface RunningServer {
  admission: Address;
  read: Address;
  /** Stops accepting, finishes what was accepted, closes the ledger. Idempotent. */
  stop(): Promise<void>;
}

/** Builds everything, and starts to serve. Rejects with config-invalid, the ledger-* errors, or key-missing. */
export async function startServer(
  config: ServerConfig,
  log: Logger,
  now: () => number,
  timing: ObserverTiming = OBSERVER_TIMING,
  limits: QueueLimits = QUEUE_LIMITS,
): Promise<RunningServer> {
  const opened: Closer[] = [];
  try {
    return await open(config, log, now, { timing, limits }, opened);
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
  now: () => number,
  { timing, limits }: { timing: ObserverTiming; limits: QueueLimits },
  opened: Closer[],
): Promise<RunningServer> {
  const client = config.kubeconfig === null ? null : await openApiClient(config.kubeconfig);
  const identity = await openIdentity(config, client, log, now);
  opened.push(() => identity.close());
  let serving = identity.serving;
  const store = await openThreadedSqliteStore(config.db, config.cluster, now());
  opened.push(() => store.close());
  const checkpoints = await Checkpoints.open({
    head: () => store.treeHead(),
    file: checkpointsBeside(config.db),
    keyFile: config.signingKeyFile,
    everyMs: config.checkpointEveryMs,
    log,
    ...(config.checkpointConfigMap === null || client === null
      ? {}
      : { publish: configMapPublisher(config.checkpointConfigMap, client) }),
  });
  // Closed behind the recorder, so that the last one covers all.
  opened.push(() => checkpoints.close());
  const key = redactionKey(config.keyFile, (await store.last()) === null);
  const redactor = new Redactor(key, config.redact);
  let observer: Observer | null = null;
  const metrics = new Metrics({
    queueDepth: () => recorder.depth,
    pending: () => pendingIn(store, now()),
    ledger: async () => ({ changes: (await store.last())?.seq ?? 0, bytes: await store.bytes() }),
    watchLagMs: () => observer?.lagMs ?? null,
    certificateExpiresAt: () => expiryOf(serving.cert),
    now,
  });
  const recorder = await Recorder.open({ store, redactor, predicates: config.predicates, events: metrics, limits });
  opened.push(() => recorder.close());
  const signs = await SignsOfLife.start(recorder, store, VERSION, now);
  opened.push(() => signs.close());
  opened.push(
    startRetention({ store, policy: config.retention, now, between: (work) => recorder.maintain(work), log }),
  );
  const health = new Health({
    log,
    metrics,
    checkWritable: () => store.checkWritable(),
    lose: () => signs.lose(),
  });

  const telemetry = await startTelemetry(config, metrics);
  if (telemetry !== null) opened.push(() => telemetry.close());
  const { callers } = identity;
  const reader = new ReviewReader((type) => redactor.covers(type));
  const handle = admissionHandler(callers, reader, recorder, health, now);
  // It answers every failure itself.
  const admit: Handler = (request, response) => void handle(request, response);
  const traced = telemetry === null ? admit : telemetry.traced('POST /admit', admit);
  const admission = listener({ ...serving, ...identity.clientTls }, withRoutes(traced, callers, health, metrics));
  const admissionAddress = await listen(admission, config.listen, '--listen');
  opened.push(() => drain(admission));
  const access = await openAccess(config, log, () => {
    trust();
    // Those that were verified by what was trusted before count for nobody any more.
    read.closeIdleConnections();
  });
  opened.push(() => access.close());
  const closing = new AbortController();
  const lastSeq = async (): Promise<number> => (await store.last())?.seq ?? 0;
  const readerOf = (caller: Caller): LedgerReader => readerFor(caller, access.reviews, store, now, closing.signal);
  const read = listener(
    { ...serving, ...clientTls(access) },
    readApi({ authenticate: access.authenticate, readerOf, lastSeq, now, closing: closing.signal, log }),
  );
  access.frontProxy?.guard(read);
  // Whom a client certificate must come from changes as the certificate of our own does: for new connections.
  const trust = (): void => read.setSecureContext({ ...serving, ...clientTls(access) });
  const readAddress = await listen(read, config.readListen, '--read-listen');
  opened.push(() => drain(read));
  // Before it waits for answers that are under way: a watch has no end of its own.
  opened.push(() => closing.abort());
  // Nobody calls before somebody answers; and the baseline is listed after reviews have begun to come.
  await identity.start(
    async () => (await health.readiness()).ready,
    (renewed) => {
      serving = renewed;
      admission.setSecureContext({ ...renewed, ...identity.clientTls });
      trust();
    },
  );
  const { judge } = identity;
  observer = startObserver(config, { recorder, store, log, now, timing, client, judge });
  opened.push(() => observer?.close());
  opened.push(() => health.stop());
  await checkpoints.start();

  let stopped: Promise<void> | undefined;
  return { admission: admissionAddress, read: readAddress, stop: () => (stopped ??= closeAll(opened)) };
}

/** Closes what was opened, the last first. */
async function closeAll(opened: readonly Closer[]): Promise<void> {
  for (const close of [...opened].reverse()) await close();
}

async function pendingIn(store: LedgerStore, now: number): Promise<{ count: number; oldestAt: number | null }> {
  const from = (await store.seqAt(now - UNVERIFIED_AFTER_MS)) + 1;
  const open = await store.open(from, MAX_COUNTED_PENDING);
  return { count: open.length, oldestAt: open[0]?.at ?? null };
}

/** null unless the operator named a collector: nothing is sent anywhere by itself. */
async function startTelemetry(
  { otlpEndpoint, cluster }: ServerConfig,
  { registry }: Metrics,
): Promise<Telemetry | null> {
  if (otlpEndpoint === null) return null;
  // Loaded only here: most servers are scraped.
  const { Telemetry } = await import('./observability/telemetry.ts');
  return new Telemetry({ endpoint: otlpEndpoint, cluster, registry, intervalMs: TELEMETRY_INTERVAL_MS });
}

/** Reviews go straight to their handler; the rest of the surface is Express. */
function withRoutes(admit: Handler, callers: Callers, health: Health, { registry }: Metrics) {
  const app = express();
  app.disable('x-powered-by');
  app.get('/livez', (_request, response) => {
    response.type('text/plain').send('ok\n');
  });
  app.get('/readyz', async (_request, response) => {
    const { ready, text } = await health.readiness();
    response
      .status(ready ? 200 : 503)
      .type('text/plain')
      .send(text);
  });
  app.get('/metrics', async (_request, response) => {
    response.type(registry.contentType).send(await registry.metrics());
  });
  app.use((_request, response) => {
    sendFailure(
      response,
      new KubeblameError('not-found', 'there is nothing here: POST /admit, GET /livez, /readyz, /metrics'),
    );
  });
  return (request: IncomingMessage, response: ServerResponse): void => {
    if (callers.covers(pathOf(request))) admit(request, response);
    else app(request, response);
  };
}
