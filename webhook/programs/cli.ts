import { Command, InvalidArgumentError, Option } from 'commander';
import { KubeblameError, messageOf } from '../../shared/errors.ts';
import { parseTime } from '../../shared/time.ts';
import { VERSION } from '../../shared/version.ts';
import { UNWRITTEN, watchOutput } from '../platform/files/standard-output.ts';
import { backupLedger } from './commands/backup.ts';
import { checkConfig } from './commands/check-config.ts';
import { foldLedger, type RawFold } from './commands/fold.ts';
import { importFiles, type RawImportOptions } from './commands/import.ts';
import { passForever, serveForever } from './commands/serve.ts';
import {
  ledgerOptions,
  retentionOptions,
  serverOptions,
  type RawOptions,
  type RawServerOptions,
} from './config/options.ts';
import { gatewayOptions, type RawGatewayOptions } from './gateway/config.ts';

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
    .option(
      '--events <files...>',
      'Kubernetes Events: one a line, lists, or events of a watch, such as `kubectl get events -A -o json` prints; - is stdin (docs/events.md)',
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

function time(text: string): number {
  try {
    return parseTime(text, Date.now(), Intl.DateTimeFormat().resolvedOptions().timeZone);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
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
