import { existsSync, statSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { SingleBar } from 'cli-progress';
import pino, { type Logger } from 'pino';
import { KubeblameError, messageOf } from '../../shared/errors.ts';
import { Redactor } from '../../shared/redact.ts';
import { parseTime } from '../../shared/time.ts';
import { VERSION } from '../../shared/version.ts';
import { ReviewReader } from '../record/review/review-reader.ts';
import { Intake } from '../record/capture/intake/intake.ts';
import { Recorder } from '../record/capture/recorder/recorder.ts';
import {
  isInCluster,
  ledgerConfig,
  ledgerOptions,
  retentionOptions,
  serverConfig,
  serverOptions,
  type RawOptions,
  type RawServerOptions,
} from './config/config.ts';
import { gatewayConfig, gatewayOptions, type RawGatewayOptions } from './gateway/config.ts';
import { AuditIntake } from '../record/sources/audit/audit-intake.ts';
import { followAudit } from './recorder/audit.ts';
import { describeAudit, importAudit } from '../record/sources/audit/import-audit.ts';
import { importRecording, type ImportInput, type ImportResult } from '../record/sources/recordings/import.ts';
import { UNNAMED_CLUSTER } from '../install/cluster/cluster-name.ts';
import { startServer } from './recorder/server.ts';
import { UNWRITTEN, watchOutput, writeOut } from '../platform/files/standard-output.ts';
import { verifyFile } from '../ledger/files/verify-file.ts';
import { backup } from '../ledger/files/backup.ts';
import { enforce, readPolicy } from '../ledger/retention/retention.ts';
import { SpoolReader } from '../record/spool/reader.ts';
import { ledgerNumber } from '../record/spool/records.ts';
import { spoolFolder } from '../record/spool/segments.ts';
import { redactionKey } from '../ledger/files/redaction-key.ts';
import type { LedgerStore } from '../ledger/port/port.ts';
import { keepHeapSmall } from '../platform/threads/memory.ts';
import { lowerPriority } from '../platform/threads/threads.ts';
import { openSqliteReader, openSqliteStore } from '../ledger/sqlite/store/store.ts';

/**
 * How long a stop may take before the process ends anyway: the standby has 15 s to answer, 8 s go by until nothing comes here, 10 s until
 * all is answered. Below the 60 s that the manifests give a pod.
 */
const STOP_MS = 50_000;

/** The command line of `kubeblame-webhook`. */
export function createProgram(): Command {
  const program = new Command('kubeblame-webhook')
    .description('Records who changed what in a Kubernetes cluster: a validating admission webhook with a ledger.')
    .version(VERSION)
    .showHelpAfterError('(see --help)');

  const serve = program.command('serve').description('record admission reviews, and answer kubectl-blame');
  for (const option of [...ledgerOptions(), ...serverOptions()]) serve.addOption(option);
  serve.action((raw: RawServerOptions) => run(() => serveForever(raw)));

  const pass = program
    .command('gateway')
    .description('answer the native API (kubeblame.io) before a server that has the ledger; any number of these');
  for (const option of gatewayOptions()) pass.addOption(option);
  pass.action((raw: RawGatewayOptions) => run(() => passForever(raw)));

  const append = program
    .command('import')
    .description('append recorded reviews, with their recorded times')
    .argument(
      '[reviews]',
      'file with lines of {"receivedAt": RFC 3339, "review": AdmissionReview}, gzip or not; - is stdin',
    )
    .option('--baseline <objects>', 'objects as they were before: one a line, or lists, from `kubectl get -o json`')
    .option('--baseline-at <time>', "when the baseline was true (default: the first review's time)", time)
    .option('--watch <events>', 'watch events of the same minutes: lines of {"resource", "event": {"type", "object"}}')
    .option('--keep-going', 'report lines that cannot be used, and pass them over')
    .option(
      '--audit <files...>',
      "audit logs of the cluster's API servers, as they are or as a cloud wraps them: docs/audit-logs.md",
    )
    .option('--follow', 'go on with the audit logs as they grow and are rotated, until it is interrupted');
  for (const option of ledgerOptions()) append.addOption(option);
  append.action((reviews: string | undefined, raw: RawOptions & RawImportOptions) =>
    run(() => importFiles(reviews, raw)),
  );

  const db = (): Option => new Option('--db <file>', 'ledger file').env('KUBEBLAME_DB').default('ledger.db');
  program
    .command('backup')
    .description('copy a ledger and its signed checkpoints, also while a server writes to it; without its keys')
    .argument('<to>', 'the file to write')
    .addOption(db())
    .action((to: string, raw: { db: string }) => run(() => backupLedger(raw.db, to)));
  program
    .command('check-config')
    .description(
      'read a configuration file and print its rules as they are understood; with a ledger, also what each redaction matches in it',
    )
    .requiredOption('--config <file>', 'the file, as `serve --config` takes it (docs/configuration.md)')
    .option('--db <file>', 'ledger file; it is only read')
    .action((raw: { config: string; db?: string }) => run(() => checkConfig(raw)));
  const folding = program
    .command('fold')
    .description('give up old history, as `serve` does with the same options; for a ledger that no server has open')
    .addOption(db());
  for (const option of retentionOptions()) folding.addOption(option);
  folding.action((raw: RawFold) => run(() => foldLedger(raw)));
  return program;
}

/** A backup that does not verify is none, so that is told at once. */
async function backupLedger(db: string, to: string): Promise<void> {
  backup(db, to);
  const report = await verifyFile(to, { checkpoints: [], keys: [], samples: 0, random: Math.random });
  const [finding] = report.findings;
  if (finding !== undefined) {
    throw new KubeblameError(
      'proof-failed',
      `${to} is a copy of a ledger that is not as it was recorded: ${finding.where}: ${finding.what}`,
      'run `kubectl blame verify` on both',
    );
  }
  print(`${to}: ${report.changes} changes in ${report.commits} commits, ${statSync(to).size} bytes\n`);
}

/** A file that cannot be used is an error, which names the line. */
async function checkConfig({ config, db }: { config: string; db?: string }): Promise<void> {
  // Loaded only here: servers without such a file do without what reads it.
  const { readRulesFile } = await import('./config/rules-file.ts');
  const { describeConfig } = await import('./commands/describe-config.ts');
  const file = readRulesFile(config);
  const ledger = db === undefined ? null : openSqliteReader(db);
  try {
    const lines = await describeConfig(file, ledger);
    process.stdout.write(
      `${[`${config} can be used; rules: ${file.rules.length}, redactions: ${file.redact.length}`, ...lines].join('\n')}\n`,
    );
  } finally {
    await ledger?.close();
  }
}

type RawFold = { db: string } & Pick<RawServerOptions, 'retainAge' | 'retainSize' | 'retainSecurity'>;

async function foldLedger(raw: RawFold): Promise<void> {
  const policy = readPolicy(raw.retainAge, raw.retainSize, raw.retainSecurity);
  if (policy.ageMs === null && policy.bytes === null) {
    throw new KubeblameError('config-invalid', 'nothing says what to keep', 'give --retain-age or --retain-size');
  }
  if (!existsSync(raw.db)) throw new KubeblameError('ledger-missing', `there is no ledger file at ${raw.db}`);
  const store = openSqliteStore(raw.db, '', Date.now());
  const stopping = new AbortController();
  const stop = (signal: NodeJS.Signals): void => stopping.abort(signal);
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    // Ages count from the newest record: a clock that is wrong must not fold away what is new.
    const newestAt = (await store.last())?.at ?? Date.now();
    const now = (): number => Math.min(Date.now(), newestAt);
    const { removed } = await enforce({ store, policy, now, between: (work) => work(), stop: stopping.signal });
    const ended = stopping.signal.aborted ? '; stopped before the end: run it again to go on' : '';
    print(`${removed} changes removed, ${await store.usedBytes()} bytes in use${ended}\n`);
    if (stopping.signal.aborted) process.exitCode = stopping.signal.reason === 'SIGTERM' ? 143 : 130;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await store.close();
  }
}

interface RawImportOptions {
  baseline?: string;
  baselineAt?: number;
  watch?: string;
  keepGoing?: boolean;
  audit?: string[];
  follow?: boolean;
}

function time(text: string): number {
  try {
    return parseTime(text, Date.now(), Intl.DateTimeFormat().resolvedOptions().timeZone);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

function print(text: string): void {
  writeOut(process.stdout, text);
}

/** Prints what went wrong and what to do, and sets the exit code. */
async function run(work: () => Promise<void>): Promise<void> {
  watchOutput(process, tell);
  try {
    await work();
  } catch (error) {
    tell(error);
  }
}

function tell(error: unknown): void {
  process.stderr.write(`error: ${messageOf(error)}\n`);
  if (error instanceof KubeblameError) {
    if (error.hint !== undefined) process.stderr.write(`hint: ${error.hint}\n`);
  } else if (error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  process.exitCode = error instanceof KubeblameError && error.code === 'stdout-failed' ? UNWRITTEN : 1;
}

async function serveForever(raw: RawServerOptions): Promise<void> {
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

async function passForever(raw: RawGatewayOptions): Promise<void> {
  const config = gatewayConfig(raw, isInCluster());
  const log = pino({ level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime });
  // Loaded only here: `serve` passes nothing on.
  const { startGateway } = await import('./gateway/start.ts');
  const gateway = await startGateway(config, log);
  log.info({ address: gateway.address, upstream: config.upstream.url.href, version: VERSION }, 'serving');
  stopOnSignal(() => gateway.stop(), log);
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

async function importFiles(reviews: string | undefined, raw: RawOptions & RawImportOptions): Promise<void> {
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
      const result =
        reviews === undefined
          ? null
          : await importRecording(
              { reviews, ...input },
              {
                recorder,
                store,
                predicates: config.predicates,
                bad: (error) => {
                  if (raw.keepGoing !== true) throw error;
                  process.stderr.write(`passed over: ${error.message}\n`);
                },
                lost: (error) => process.stderr.write(`not recorded: ${error.message}\n`),
                progress: (count) => bar?.update(count),
              },
            );
      if (result !== null) print(`${describe(result)}\n`);
      if (raw.audit !== undefined && raw.follow === true) await followAuditLogs(raw.audit, recorder);
      else if (raw.audit !== undefined) await importAuditLogs(raw.audit, recorder, bar);
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

function requireInput(reviews: string | undefined, { audit = [], baseline, watch, follow }: RawImportOptions): void {
  if (follow === true && (audit.length === 0 || audit.includes('-'))) {
    throw new KubeblameError('input-invalid', '--follow needs files to follow', 'name them with --audit');
  }
  if (reviews === undefined && audit.length === 0) {
    throw new KubeblameError(
      'input-invalid',
      'nothing is given to import',
      'name a file of reviews, or audit logs with --audit',
    );
  }
  if (reviews === undefined && (baseline ?? watch) !== undefined) {
    throw new KubeblameError('input-invalid', '--baseline and --watch belong to recorded reviews, and none are given');
  }
  if ([reviews, baseline, watch, ...audit].filter((file) => file === '-').length < 2) return;
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
