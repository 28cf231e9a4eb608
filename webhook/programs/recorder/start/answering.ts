import { KubeblameError } from '../../../../shared/errors.ts';
import type { ApiServers } from '../../../install/cluster/api-servers.ts';
import type { Identity } from '../../../install/identity.ts';
import { USUAL_WEBHOOK } from '../../../install/registration/configuration.ts';
import type { DiskReserve } from '../../../platform/files/disk-reserve.ts';
import type { Collector } from '../../../platform/telemetry/collector.ts';
import type { Intake } from '../../../record/capture/intake/intake.ts';
import type { SignsOfLife } from '../../../record/coverage/signs-of-life.ts';
import type { GateData } from '../../../record/gate/thread/gate-messages.ts';
import { Gate, type GateListener } from '../../../record/gate/thread/gate.ts';
import type { Progress } from '../../../record/spool/progress.ts';
import { EarlyListener } from '../../standby/early.ts';
import type { Turn } from '../../standby/turn.ts';
import type { Health } from '../health.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { pages } from '../pages.ts';
import type { Setting } from './setting.ts';

/** Where reviews are put: GateData. */
export type SpoolPlace = Omit<GateData['spool'], 'maxBytes'>;

export interface AnsweringContext {
  identity: Identity;
  turn: Turn;
  apiServers: ApiServers;
  progress: Progress;
  /** That the spool may have. */
  maxBytes: number;
}

/** The thread that answers reviews. It may begin before the rest of the server is there. */
export class Answering {
  private gate: Gate | null = null;
  private readonly listener = new EarlyListener();

  constructor(
    private readonly setting: Setting,
    private readonly context: AnsweringContext,
  ) {}

  /** null while nobody answers. */
  get started(): Gate | null {
    return this.gate;
  }

  /** Starts the thread. Rejects with config-invalid. `cluster`: its name, for traces; `key`: of redaction. */
  async start(place: SpoolPlace, cluster: string, key: Buffer): Promise<Gate> {
    const { config, clock, closers } = this.setting;
    const { identity, turn, apiServers, progress, maxBytes } = this.context;
    const data: GateData = {
      address: config.listen,
      by: config.callers.by,
      proof: identity.proof,
      rules: config.predicates.rules,
      redaction: { key, rules: config.redact, patterns: config.patterns },
      progress: progress.memory,
      clock: clock.memory,
      patienceMs: (config.registration?.webhook ?? USUAL_WEBHOOK).timeoutSeconds * 1000,
      trust: apiServers.trust,
      spool: { ...place, maxBytes },
      collector: collectorOf(this.setting, cluster),
    };
    const gate = await Gate.open(data, this.listener);
    closers.add(() => gate.close());
    closers.add(apiServers.follow((changed) => gate.trust(changed)));
    await turn.answers();
    return (this.gate = gate);
  }

  /** Tells those who want to know, from now on and of what there was. */
  tell(listeners: GateListeners): void {
    this.listener.passOn(listenerOf(listeners));
  }
}

/** Where metrics and traces go; null where nowhere. */
export function collectorOf({ config }: Setting, cluster: string): Collector | null {
  return config.otlpEndpoint === null ? null : { endpoint: config.otlpEndpoint, cluster };
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
