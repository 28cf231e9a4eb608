import { Counter, Gauge, Registry } from 'prom-client';
import type { LedgerStatus } from '../../ledger/postgres/ledgers.ts';

/** What a hub counts. What is read of the database is the same in every replica. */
export class HubMetrics {
  private readonly registry = new Registry();
  private readonly pushes = new Counter({
    name: 'kubeblame_hub_pushes_total',
    help: 'Pushes of a cluster, by what they were answered',
    labelNames: ['cluster', 'answer'],
    registers: [this.registry],
  });
  private readonly bytes = new Counter({
    name: 'kubeblame_hub_push_bytes_total',
    help: 'Bytes that a cluster has pushed, compressed',
    labelNames: ['cluster'],
    registers: [this.registry],
  });
  private readonly gauge = (name: string, help: string): Gauge =>
    new Gauge({ name: `kubeblame_hub_${name}`, help, labelNames: ['cluster'], registers: [this.registry] });
  private readonly silent = this.gauge('silent_seconds', 'Since the last push of a cluster');
  private readonly known = this.gauge(
    'known_until_seconds',
    'Time of the newest commit of a cluster, by its own clock',
  );
  private readonly commits = this.gauge('commits', 'Commits that the hub holds of a cluster');
  private readonly unsigned = this.gauge('unsigned_commits', 'Of these, commits that no signed checkpoint covers yet');
  private readonly forked = this.gauge('forked', '1 where nothing more is taken of a cluster: see /readyz');

  constructor(
    private readonly ledgers: () => Promise<LedgerStatus[]>,
    private readonly now: () => number,
  ) {}

  get contentType(): string {
    return this.registry.contentType;
  }

  pushed(cluster: string, answer: string, bytes: number): void {
    this.pushes.inc({ cluster, answer });
    this.bytes.inc({ cluster }, bytes);
  }

  /** Rejects where the database cannot be read. */
  async text(): Promise<string> {
    for (const gauge of [this.silent, this.known, this.commits, this.unsigned, this.forked]) gauge.reset();
    const told = new Set<string>();
    for (const { cluster, state, receivedAt, enrolledAt, headAt, headCommit, signedCommit } of await this.ledgers()) {
      // The newest ledger of a cluster comes first; one that was retired is expected to be silent.
      if (told.has(cluster) || state === 'retired') continue;
      told.add(cluster);
      this.silent.set({ cluster }, (this.now() - Math.max(receivedAt, enrolledAt)) / 1000);
      this.known.set({ cluster }, headAt / 1000);
      this.commits.set({ cluster }, headCommit);
      this.unsigned.set({ cluster }, headCommit - signedCommit);
      this.forked.set({ cluster }, state === 'forked' ? 1 : 0);
    }
    return this.registry.metrics();
  }
}
