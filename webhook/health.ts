import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { KubeblameError, messageOf } from '../shared/errors.ts';
import type { Logger } from 'pino';
import type { AdmissionObserver } from './admission/handler.ts';
import type { Recorded } from './capture/recorder.ts';

export interface HealthOptions {
  log: Logger;
  /** Rejects where the ledger takes nothing. */
  checkWritable: () => Promise<void>;
  queueDepth: () => number;
  /** Told of every review that was lost, for the coverage. */
  lose: () => void;
}

/** What an operator can see of the server: metrics, and whether it is ready. Written to the log too. */
export class Health implements AdmissionObserver {
  readonly registry = new Registry();
  private readonly reviews: Counter<'result'>;
  private readonly duration: Histogram;
  private losses = 0;
  private stopping = false;

  private readonly log: Logger;

  constructor(private readonly options: HealthOptions) {
    this.log = options.log;
    this.reviews = new Counter({
      name: 'kubeblame_reviews_total',
      help: 'Admission reviews by what became of them; lost means admitted but not recorded.',
      labelNames: ['result'],
      registers: [this.registry],
    });
    for (const result of ['recorded', 'unchanged', 'excluded', 'dry-run', 'lost', 'refused'])
      this.reviews.inc({ result }, 0);
    this.duration = new Histogram({
      name: 'kubeblame_admission_duration_seconds',
      help: 'Time from the first byte of a review to its answer, the fsync included.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers: [this.registry],
    });
    new Gauge({
      name: 'kubeblame_queue_depth',
      help: 'Reviews that wait to be stored.',
      registers: [this.registry],
      collect() {
        this.set(options.queueDepth());
      },
    });
  }

  answered(result: Recorded, seconds: number): void {
    this.reviews.inc({ result });
    this.duration.observe(seconds);
  }

  lost(error: unknown, uid: string): void {
    this.losses++;
    this.options.lose();
    this.reviews.inc({ result: 'lost' });
    const code = error instanceof KubeblameError ? error.code : 'internal';
    // A message can hold a path, never a body. A bug's stack is what whoever is woken needs.
    const stack = error instanceof Error && code === 'internal' ? error.stack : undefined;
    this.log.error({ reviewUid: uid, code, reason: messageOf(error), stack }, 'review lost');
  }

  refused(error: KubeblameError): void {
    this.reviews.inc({ result: 'refused' });
    this.log.warn({ code: error.code, reason: error.message }, 'request refused');
  }

  stop(): void {
    this.stopping = true;
  }

  /** Kubernetes' own form: a line a check. Losses do not make it unready: reviews are better recorded late than never. */
  async readiness(): Promise<{ ready: boolean; text: string }> {
    const lines: string[] = [];
    let ready = !this.stopping;
    lines.push(this.stopping ? '[-]serving: shutting down' : '[+]serving ok');
    try {
      await this.options.checkWritable();
      lines.push('[+]ledger ok');
    } catch (error) {
      ready = false;
      lines.push(`[-]ledger: ${messageOf(error)}`);
    }
    lines.push(
      this.losses === 0 ? '[+]losses none' : `[!]losses ${this.losses} reviews were not recorded: see the log`,
    );
    return { ready, text: `${lines.join('\n')}\n` };
  }
}
