import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { Logger } from 'pino';
import { KubeblameError } from '../shared/errors.ts';
import { Redactor } from '../shared/redact.ts';
import { pathOf, type Callers } from './admission/callers.ts';
import { admissionHandler } from './admission/handler.ts';
import { readApi } from './api/routes.ts';
import { Recorder } from './capture/recorder.ts';
import { SignsOfLife } from './capture/signs-of-life.ts';
import type { Address, ServerConfig } from './config/config.ts';
import { Health } from './health.ts';
import { sendFailure } from './http.ts';
import { openIdentity } from './install/identity.ts';
import { Metrics } from './observability/metrics.ts';
import type { Handler, Telemetry } from './observability/telemetry.ts';
import { openApiClient } from './observe/api-client.ts';
import { OBSERVER_TIMING, type Observer, type ObserverTiming } from './observe/observer.ts';
import { startObserver } from './observe/start.ts';
import { Checkpoints } from './proof/publish.ts';
import { checkpointsBeside } from './proof/keys.ts';
import { StoreReader } from './query/reader.ts';
import { UNVERIFIED_AFTER_MS } from './query/views.ts';
import { redactionKey } from './store/key.ts';
import type { LedgerStore } from './store/port.ts';
import { startRetention } from './store/retention.ts';
import { openSqliteStore } from './store/sqlite/store.ts';
import { VERSION } from '../shared/version.ts';
import { expiryOf } from './tls.ts';

/** A client has this long to send its headers, and its whole request: the API server waits a few seconds at most. */
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
/** How often connections are checked against these. */
const CONNECTIONS_CHECK_MS = 1_000;
/** Longer than the API server keeps an idle connection, so that it is not the one to run into a closed one. */
const KEEP_ALIVE_MS = 120_000;
/** How long a stop waits for requests that have begun. */
const DRAIN_MS = 10_000;
const DRAIN_SWEEP_MS = 50;
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
): Promise<RunningServer> {
  const opened: Closer[] = [];
  try {
    return await open(config, log, now, timing, opened);
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
  timing: ObserverTiming,
  opened: Closer[],
): Promise<RunningServer> {
  const client = config.kubeconfig === null ? null : await openApiClient(config.kubeconfig);
  const identity = await openIdentity(config, client, log, now);
  opened.push(() => identity.close());
  let serving = identity.serving;
  const store = openSqliteStore(config.db, config.cluster, now());
  opened.push(() => store.close());
  const checkpoints = await Checkpoints.open({
    head: () => store.treeHead(),
    file: checkpointsBeside(config.db),
    keyFile: config.signingKeyFile,
    everyMs: config.checkpointEveryMs,
    log,
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
  const recorder = await Recorder.open({ store, redactor, predicates: config.predicates, events: metrics });
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
  const handle = admissionHandler(callers, recorder, health, now);
  // It answers every failure itself.
  const admit: Handler = (request, response) => void handle(request, response);
  const traced = telemetry === null ? admit : telemetry.traced('POST /admit', admit);
  const admission = listener({ ...serving, ...identity.clientTls }, withRoutes(traced, callers, health, metrics));
  const admissionAddress = await listen(admission, config.listen, '--listen');
  opened.push(() => drain(admission));
  const reader = new StoreReader(store, now);
  const read = listener(serving, readApi(reader, config.readToken, log));
  const readAddress = await listen(read, config.readListen, '--read-listen');
  opened.push(() => drain(read));
  opened.push(() => reader.endWaits());
  // Nobody calls before somebody answers; and the baseline is listed after reviews have begun to come.
  await identity.start(
    async () => (await health.readiness()).ready,
    (renewed) => {
      serving = renewed;
      admission.setSecureContext({ ...renewed, ...identity.clientTls });
      read.setSecureContext(renewed);
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

function listener(tls: ServerOptions, handle: Handler): Server {
  const server = createServer(
    { ...tls, minVersion: 'TLSv1.2', connectionsCheckingInterval: CONNECTIONS_CHECK_MS },
    handle,
  );
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
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

function listen(server: Server, address: Address, option: string): Promise<Address> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new KubeblameError(
          'config-invalid',
          `${option}: cannot listen on ${address.host}:${address.port}: ${error.message}`,
          'choose another address',
          { cause: error },
        ),
      ),
    );
    server.listen(address.port, address.host, () => {
      resolve({ host: address.host, port: (server.address() as AddressInfo).port });
    });
  });
}

/**
 * Takes no new connections, and ends the idle ones. Requests that still come on open ones are served, each the last of
 * its connection: a review that is turned away is lost.
 */
function drain(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    // A connection whose request was under way becomes idle after its answer.
    const sweep = setInterval(() => server.closeIdleConnections(), DRAIN_SWEEP_MS);
    server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
      response.setHeader('Connection', 'close');
    });
    server.close(() => {
      clearTimeout(force);
      clearInterval(sweep);
      resolve();
    });
    server.closeIdleConnections();
  });
}
