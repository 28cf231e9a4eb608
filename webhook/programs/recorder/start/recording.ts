import { KubeblameError, messageOf } from '../../../../shared/errors.ts';
import { ruleNames } from '../../../../shared/redact-values.ts';
import type { Redactor } from '../../../../shared/redact.ts';
import { VERSION } from '../../../../shared/version.ts';
import type { ApiServers } from '../../../install/cluster/api-servers.ts';
import type { Identity } from '../../../install/identity.ts';
import { fullText, roomText } from '../../../ledger/port/intervals.ts';
import type { SqliteStore } from '../../../ledger/sqlite/store/store.ts';
import { JUMP_MS } from '../../../platform/clock/clock.ts';
import type { DiskReserve } from '../../../platform/files/disk-reserve.ts';
import { expiryOf } from '../../../platform/http/tls.ts';
import { Intake } from '../../../record/capture/intake/intake.ts';
import { Recorder } from '../../../record/capture/recorder/recorder.ts';
import type { RegistrationWatch } from '../../../record/coverage/coverage.ts';
import { SignsOfLife } from '../../../record/coverage/signs-of-life.ts';
import { ReviewReader } from '../../../record/review/review-reader.ts';
import type { Observer } from '../../../record/sources/watch/observer.ts';
import type { Progress } from '../../../record/spool/progress.ts';
import { SpoolReader } from '../../../record/spool/reader.ts';
import { ledgerNumber } from '../../../record/spool/records.ts';
import { spoolFolder } from '../../../record/spool/segments.ts';
import type { Turn } from '../../standby/turn.ts';
import { Health } from '../health.ts';
import { Metrics } from '../metrics/metrics.ts';
import { pendingIn } from '../metrics/sources.ts';
import type { Answering } from './answering.ts';
import { sentBy } from './cluster.ts';
import type { Setting } from './setting.ts';

export interface RecordingContext {
  store: SqliteStore;
  disk: DiskReserve;
  redactor: Redactor;
  identity: Identity;
  turn: Turn;
  apiServers: ApiServers;
  progress: Progress;
  answering: Answering;
  /** The ledger's stream; null where it goes nowhere. */
  stream: { readonly unsentSince: number | null } | null;
}

/** What takes reviews from the spool into the ledger, and tells how that goes. */
export interface Recording {
  recorder: Recorder;
  intake: Intake;
  /** Reads reviews, and watch events, which say the same. */
  reader: ReviewReader;
  metrics: Metrics;
  health: Health;
  signs: SignsOfLife;
  /** What there will be when the cluster is watched. */
  watched: { observer: Observer | null; registration: RegistrationWatch | null };
  /** Takes what was answered before. `answersSince`: when reviews began to be answered (ms); null where that is still to come. */
  begin(answersSince: number | null): Promise<void>;
}

/** Opens the recorder and the intake. Rejects with the ledger-* errors. */
export async function openRecording(setting: Setting, context: RecordingContext): Promise<Recording> {
  const { config, log, clock, now, closers } = setting;
  const { store, disk, redactor, identity, turn, apiServers, progress, answering, stream } = context;
  const watched: Recording['watched'] = { observer: null, registration: null };
  let isStarted = false;
  const metrics = new Metrics({
    queueDepth: () => intake.depth,
    pending: () => pendingIn(store, now()),
    ledger: async () => ({ changes: (await store.last())?.seq ?? 0, bytes: await store.bytes() }),
    events: () => store.eventTotals(),
    watchLagMs: () => watched.observer?.lagMs ?? null,
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
  const isSent = sentBy(config, (namespace) => watched.registration?.leavesOut(namespace) === true);
  const recorder = await Recorder.open({
    store,
    isSent,
    redactor,
    predicates: config.predicates,
    events: metrics,
    turns: {
      // The start is told before what was answered since.
      hold: (fact, mayWait) => (isStarted ? intake.hold(fact, mayWait) : fact.enter(0)),
      hurry: () => intake.hurry(),
    },
    disk,
    overBudget: (user) =>
      log.warn({ user }, 'bodies of requests are not kept: too much was never persisted in this hour'),
    lostFact: (error, { group, resource, namespace, name }) => {
      metrics.loseFact();
      const stack = error instanceof Error ? error.stack : undefined;
      log.error({ group, resource, namespace, name, reason: messageOf(error), stack }, 'observed object not recorded');
    },
    failing: (error) => log.error({ reason: messageOf(error) }, 'contents not ended, trying again'),
  });
  closers.add(() => recorder.close());
  const reader = new ReviewReader((type, text) => redactor.covers(type, text));
  const intake = new Intake({
    spool: new SpoolReader(spoolFolder(config.db), ledgerNumber(store.id)),
    progress,
    reviews: reader,
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
    taken: (through) => answering.started?.taken(through),
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
    checkSpool: () => answering.started?.checkWritable(intake.progress.through),
    checkLedger: () => store.checkWritable(),
    lease: () => turn.state,
    isFull: () => disk.isFull,
    damage: () => store.check.damage,
  });
  // Closed behind the intake: what is lost at the end is told as well.
  closers.add(() => signs.close());
  closers.add(() => intake.close());
  const begin = async (answersSince: number | null): Promise<void> => {
    // Before anything that happens from now on.
    if (answersSince === null) await intake.takeLeft();
    await signs.start(store, VERSION, answersSince ?? now());
    isStarted = true;
    if (answersSince !== null) await intake.takeLeft();
  };
  return { recorder, intake, reader, metrics, health, signs, watched, begin };
}
