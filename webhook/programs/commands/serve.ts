import pino, { type Logger } from 'pino';
import { messageOf } from '../../../shared/errors.ts';
import { VERSION } from '../../../shared/version.ts';
import { keepHeapSmall } from '../../platform/threads/memory.ts';
import { lowerPriority } from '../../platform/threads/threads.ts';
import { isInCluster, serverConfig } from '../config/config.ts';
import type { RawServerOptions } from '../config/options.ts';
import { gatewayConfig, type RawGatewayOptions } from '../gateway/config.ts';
import { hubConfig, type RawServe } from '../hub/config.ts';
import { startServer } from '../recorder/server.ts';

/**
 * How long a stop may take before the process ends anyway: the standby has 15 s to answer, 8 s go by until nothing comes here, 10 s until
 * all is answered. Below the 60 s that the manifests give a pod.
 */
const STOP_MS = 50_000;

/** Records until it is told to stop. */
export async function serveForever(raw: RawServerOptions): Promise<void> {
  const config = await serverConfig(raw, isInCluster());
  const log = pino({ level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime });
  keepHeapSmall();
  const ending = new AbortController();
  const starting = startServer(config, log, undefined, undefined, undefined, ending.signal);
  const stop = stopOnSignal(async () => {
    ending.abort();
    const started = await starting.catch(() => null);
    await started?.stop();
    // What was still being opened does not keep it alive.
    if (started === null) setImmediate(() => process.exit());
  }, log);
  const server = await starting.catch((error: unknown) => {
    if (!ending.signal.aborted) throw error;
  });
  if (server === undefined) return;
  // The thread of the admission endpoint has been started.
  lowerPriority();
  log.info({ admission: server.admission, read: server.read, db: config.db, version: VERSION }, 'serving');
  void server.replaced.then(stop);
  void server.broken.then((reason) => {
    // At once: a stop would wait for a ledger that takes nothing. Whoever restarts the process loses nothing by it.
    log.fatal({ reason: messageOf(reason) }, 'the server cannot record any more: it ends, to be started again');
    process.exit(1);
  });
}

/** Passes questions on until it is told to stop. */
export async function passForever(raw: RawGatewayOptions): Promise<void> {
  const config = gatewayConfig(raw, isInCluster());
  const log = pino({ level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime });
  // Loaded only here: `serve` passes nothing on.
  const { startGateway } = await import('../gateway/start.ts');
  const gateway = await startGateway(config, log);
  log.info({ address: gateway.address, upstream: config.upstream.url.href, version: VERSION }, 'serving');
  stopOnSignal(() => gateway.stop(), log);
}

/** Serves a hub until it is told to stop. */
export async function serveHub(raw: RawServe): Promise<void> {
  const config = hubConfig(raw);
  const log = pino({ level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime });
  const { startHub } = await import('../hub/start.ts');
  const hub = await startHub(config, log);
  log.info({ address: hub.address, version: VERSION }, 'serving');
  stopOnSignal(() => hub.stop(), log);
}

/** Ends when it is told to, and in time. Returns what tells it, with the reason. */
function stopOnSignal(end: () => Promise<void>, log: Logger): (reason: string) => void {
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    const force = setTimeout(() => {
      log.error('stop took too long');
      process.exit(1);
    }, STOP_MS);
    force.unref();
    end().then(
      () => {
        log.info('stopped');
        clearTimeout(force);
      },
      (error: unknown) => {
        log.error({ reason: messageOf(error) }, 'stop failed');
        process.exitCode = 1;
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  return stop;
}
