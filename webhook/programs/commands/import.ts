import { statSync } from 'node:fs';
import type { SingleBar } from 'cli-progress';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { Redactor } from '../../../shared/redact.ts';
import { UNNAMED_CLUSTER } from '../../install/cluster/cluster-name.ts';
import { redactionKey } from '../../ledger/files/redaction-key.ts';
import type { LedgerStore } from '../../ledger/port/port.ts';
import { openSqliteStore } from '../../ledger/sqlite/store/open-store.ts';
import { Intake } from '../../record/capture/intake/intake.ts';
import { Recorder } from '../../record/capture/recorder/recorder.ts';
import { ReviewReader } from '../../record/review/review-reader.ts';
import { AuditIntake } from '../../record/sources/audit/audit-intake.ts';
import { describeAudit, importAudit } from '../../record/sources/audit/import-audit.ts';
import { describeEvents, importEvents } from '../../record/sources/events/import-events.ts';
import { importRecording, type ImportInput, type ImportResult } from '../../record/sources/recordings/import.ts';
import { SpoolReader } from '../../record/spool/reader.ts';
import { ledgerNumber } from '../../record/spool/records.ts';
import { spoolFolder } from '../../record/spool/segments.ts';
import { ledgerConfig } from '../config/config.ts';
import type { RawOptions } from '../config/options.ts';
import { followAudit } from '../recorder/start/audit/audit.ts';
import { print } from './print.ts';

export interface RawImportOptions {
  baseline?: string;
  baselineAt?: number;
  watch?: string;
  keepGoing?: boolean;
  audit?: string[];
  events?: string[];
  follow?: boolean;
}

/** Appends recorded reviews to a ledger, audit logs, and Events. */
export async function importFiles(reviews: string | undefined, raw: RawOptions & RawImportOptions): Promise<void> {
  requireInput(reviews, raw);
  const config = await ledgerConfig(raw);
  const store = openSqliteStore(config.db, config.cluster ?? UNNAMED_CLUSTER, Date.now());
  try {
    const redactor = new Redactor(
      redactionKey(config.keyFile, (await store.last()) === null),
      config.redact,
      config.patterns,
    );
    const recorder = await Recorder.open({ store, redactor, predicates: config.predicates });
    await takeSpool(config.db, store, recorder, redactor);
    const input: Omit<ImportInput, 'reviews'> = {
      ...(raw.baseline === undefined ? {} : { baseline: raw.baseline }),
      ...(raw.baselineAt === undefined ? {} : { baselineAt: raw.baselineAt }),
      ...(raw.watch === undefined ? {} : { watch: raw.watch }),
    };
    const bar = await progressBar();
    try {
      if (reviews !== undefined) {
        const options = {
          recorder,
          store,
          predicates: config.predicates,
          bad: (error: KubeblameError) => {
            if (raw.keepGoing !== true) throw error;
            process.stderr.write(`passed over: ${error.message}\n`);
          },
          lost: (error: KubeblameError) => process.stderr.write(`not recorded: ${error.message}\n`),
          progress: (count: number) => bar?.update(count),
        };
        print(`${describe(await importRecording({ reviews, ...input }, options))}\n`);
      }
      if (raw.audit !== undefined && raw.follow === true) await followAuditLogs(raw.audit, recorder);
      else if (raw.audit !== undefined) await importAuditLogs(raw.audit, recorder, bar);
      if (raw.events !== undefined) {
        const bad = (error: KubeblameError): void => void process.stderr.write(`passed over: ${error.message}\n`);
        const counts = await importEvents(raw.events, {
          store,
          redactor,
          bad,
          progress: (count) => bar?.update(count),
        });
        print(`${describeEvents(counts)}\n`);
      }
    } finally {
      bar?.stop();
      await recorder.close();
    }
  } finally {
    await store.close();
  }
  // Before it is closed, most of it is in the log beside it.
  print(`${config.db}: ${statSync(config.db).size} bytes\n`);
}

function requireInput(
  reviews: string | undefined,
  { audit = [], events = [], baseline, watch, follow }: RawImportOptions,
): void {
  if (follow === true && (audit.length === 0 || audit.includes('-'))) {
    throw new KubeblameError('input-invalid', '--follow needs files to follow', 'name them with --audit');
  }
  if (reviews === undefined && audit.length + events.length === 0) {
    throw new KubeblameError(
      'input-invalid',
      'nothing is given to import',
      'name a file of reviews, audit logs with --audit, or Events with --events',
    );
  }
  if (reviews === undefined && (baseline ?? watch) !== undefined) {
    throw new KubeblameError('input-invalid', '--baseline and --watch belong to recorded reviews, and none are given');
  }
  if ([reviews, baseline, watch, ...audit, ...events].filter((file) => file === '-').length < 2) return;
  throw new KubeblameError(
    'input-invalid',
    'only one input can be the standard input (-)',
    'name a file for the other',
  );
}

async function importAuditLogs(files: readonly string[], recorder: Recorder, bar: SingleBar | null): Promise<void> {
  const counts = await importAudit(files, {
    recorder,
    bad: (error) => process.stderr.write(`passed over: ${error.message}\n`),
    progress: (count) => bar?.update(count),
  });
  print(`${describeAudit(counts)}\n`);
}

/** Until a signal ends it. */
async function followAuditLogs(files: readonly string[], recorder: Recorder): Promise<void> {
  const intake = new AuditIntake({
    recorder,
    now: Date.now,
    bad: (error) => process.stderr.write(`passed over: ${error.message}\n`),
  });
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const failing = (error: unknown): void => void process.stderr.write(`trying again: ${messageOf(error)}\n`);
    await Promise.all(files.map((file) => followAudit(file, intake, stopping.signal, failing)));
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
  print(`${describeAudit(intake.counts)}\n`);
}

/** What a server has answered that was killed: before anything else. */
async function takeSpool(db: string, store: LedgerStore, recorder: Recorder, redactor: Redactor): Promise<void> {
  const intake = new Intake({
    spool: new SpoolReader(spoolFolder(db), ledgerNumber(store.id)),
    reviews: new ReviewReader((type, text) => redactor.covers(type, text)),
    recorder,
    now: Date.now,
    recorded: () => undefined,
    lost: (error, uid) => process.stderr.write(`not recorded: ${uid} ${messageOf(error)}\n`),
    failing: (error) => process.stderr.write(`trying again: ${messageOf(error)}\n`),
    taken: () => undefined,
  });
  await intake.takeLeft();
  const left = intake.depth;
  await intake.close();
  if (left > 0) {
    throw new KubeblameError(
      'ledger-unwritable',
      `the ledger does not take what its server has answered already (reviews: ${left})`,
      'nothing was imported: see to the disk, and import again',
    );
  }
}

/** Only on a terminal: the number of lines is not known, so it counts. */
async function progressBar(): Promise<SingleBar | null> {
  if (!process.stderr.isTTY) return null;
  const { SingleBar } = await import('cli-progress');
  const bar = new SingleBar({ format: 'importing: {value}', stream: process.stderr, clearOnComplete: true });
  bar.start(0, 0);
  return bar;
}

function describe({ reviews, baseline, watchEvents, badLines }: ImportResult): string {
  const parts = [
    `${reviews.recorded} recorded`,
    `${reviews.unchanged} without a change`,
    `${reviews.excluded} excluded by rules`,
    `${reviews['dry-run']} dry runs`,
  ];
  if (reviews['already there'] > 0) parts.push(`${reviews['already there']} already there`);
  if (reviews.lost > 0) parts.push(`${reviews.lost} that cannot be recorded`);
  const facts = ({ all, known }: ImportResult['baseline'], what: string): void => {
    if (all > 0) parts.push(`${all} ${what}${known === 0 ? '' : ` (${known} already there)`}`);
  };
  facts(baseline, 'objects of the baseline');
  facts(watchEvents, 'watch events');
  if (badLines > 0) parts.push(`${badLines} lines passed over`);
  return parts.join(', ');
}
