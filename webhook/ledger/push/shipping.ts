import type { Logger } from 'pino';
import { messageOf } from '../../../shared/errors.ts';
import { startThread } from '../../platform/threads/threads.ts';
import { quantity, SIZES, UNITS, type Of } from '../retention/retention.ts';
import type { HubTarget } from './hub-client.ts';
import type { ShipReport } from './shipper.ts';

/** What the thread is started with. */
export interface ShippingData {
  path: string;
  /** Of the ledger: originOf(). */
  origin: string;
  target: HubTarget;
}

/** History that the hub has not got is kept for so long (ms), or until the ledger uses so many bytes. */
export interface HubHold {
  ageMs: number | null;
  bytes: number | null;
}

/** A thread that ended by itself is started again after so long. */
const AGAIN_MS = 60_000;
/** A stop does not wait longer for a push that is under way: it is sent again at the next start, or was taken. */
const STOP_MS = 3_000;

/** The shipper of a server: a thread, and what it has told. */
export class Shipping {
  private report: ShipReport = { state: 'waiting', reason: 'the hub has not answered yet', held: null, behind: 0 };
  private stopping = false;
  private worker: ReturnType<typeof startThread> | null = null;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly data: ShippingData,
    private readonly log: Logger,
  ) {}

  get status(): ShipReport {
    return this.report;
  }

  start(): void {
    const worker = startThread(import.meta.url, './ship-thread.ts', 'ledger-shipper.js', { workerData: this.data });
    this.worker = worker;
    worker.on('message', (report: ShipReport) => this.told(report));
    worker.on('error', (error) => this.told({ ...this.report, state: 'waiting', reason: messageOf(error) }));
    worker.once('exit', () => {
      this.worker = null;
      if (this.stopping) return;
      // Nothing of the ledger depends on it.
      this.timer = setTimeout(() => this.start(), AGAIN_MS);
      this.timer.unref();
    });
  }

  /**
   * From which moment on (ms) history is to be kept, because the hub has not got it. What it has not got for longer than the hold says
   * is given up all the same.
   */
  heldFrom(now: number, usedBytes: number, { ageMs, bytes }: HubHold): number {
    if (bytes !== null && usedBytes > bytes) return Infinity;
    const held = this.report.held?.at ?? 0;
    return ageMs === null ? held : Math.max(held, now - ageMs);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.timer);
    const { worker } = this;
    if (worker === null) return;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const force = setTimeout(() => void worker.terminate(), STOP_MS);
    worker.postMessage('stop');
    await ended;
    clearTimeout(force);
  }

  private told(report: ShipReport): void {
    const { state, reason } = this.report;
    this.report = report;
    if (report.state === state && report.reason === reason) return;
    const facts = { hub: this.data.target.url, behind: report.behind, reason: report.reason };
    if (report.state === 'refused') this.log.error(facts, 'the hub does not take this ledger');
    else if (report.state === 'waiting')
      this.log.warn(facts, 'the hub is not reached: what is recorded waits in the ledger');
    else this.log.info(facts, 'the hub takes this ledger');
  }
}

const OF: Of = {
  units: { ...UNITS, ...SIZES },
  option: '--hub-hold',
  variable: 'KUBEBLAME_HUB_HOLD',
  like: '7d or 20Gi',
};

/** Reads `7d`, or `20Gi`. Throws config-invalid. */
export function readHold(text: string): HubHold {
  const value = quantity(text, OF);
  return /[hdw]$/.test(text) ? { ageMs: value, bytes: null } : { ageMs: null, bytes: value };
}
