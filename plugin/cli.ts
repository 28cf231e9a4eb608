import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { KubeblameError, messageOf } from '../shared/errors.ts';
import type { LedgerReader } from '../shared/types.ts';
import { VERSION } from '../shared/version.ts';
import { addLinesFlags } from './commands/lines-flags.ts';
import { FORMATS, type BlameFlags } from './commands/request.ts';
import { EXIT, exitCodeOf } from './exit-code.ts';
import type { Io } from './io.ts';
import { printable } from './views/text.ts';
import { openReader, type SourceOptions } from './open-reader.ts';

const HELP = `
Examples:
  # The latest changes, by namespace
  kubectl blame

  # Who changed a deployment, and what
  kubectl blame deployment nginx
  kubectl blame deploy/nginx --format diff

  # Everything that changed in a namespace since yesterday
  kubectl blame ns default --since "yesterday 18:00"

  # What existed then; the object as it was, to apply again
  kubectl blame --at 2026-03-03T14:32
  kubectl blame deployment nginx --at 2h -o yaml

  # The object's YAML, and who set each line; with --humans not counting controllers
  kubectl blame deployment nginx --format lines
  kubectl blame -f deployment.yaml

  # Who changed one field
  kubectl blame deployment nginx --field spec.replicas

  # The net difference between two moments
  kubectl blame -n shop --from 09:00 --to 10:30 --format diff

Times are RFC 3339, local without a zone (2026-03-03T14:32), a date, or relative (2h, 3d, "yesterday 14:00").

Exit codes: 0 answered, 1 error, 2 usage, 3 asked for a time or object that no record covers.
`;

/** Makes the io once the flags are known: --no-color is one of them. */
export type IoFactory = (colour: boolean) => Io;

/** Runs the command line, and returns the exit code. Errors are told on stderr: what was wrong, then what to do. */
export async function run(args: readonly string[], makeIo: IoFactory): Promise<number> {
  const io = makeIo(!args.includes('--no-color'));
  const program = createProgram(io);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return EXIT.answered;
  } catch (error) {
    return fail(error, io);
  }
}

function fail(error: unknown, io: Io): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.answered : EXIT.usage;
  const { chalk } = io.style;
  io.err(`${chalk.red('error:')} ${printable(messageOf(error))}\n`);
  if (!(error instanceof KubeblameError)) {
    io.err(`${error instanceof Error ? (error.stack ?? '') : ''}\n`);
    return EXIT.error;
  }
  if (error.hint !== undefined) io.err(`${chalk.cyan('hint:')} ${printable(error.hint)}\n`);
  return exitCodeOf(error.code);
}

function createProgram(io: Io): Command {
  const program = new Command('kubectl blame')
    .description('Who changed this, what exactly, when, and what did it look like before?')
    .usage('[TYPE [NAME...] | TYPE/NAME ...] [flags]')
    .version(VERSION)
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
    .exitOverride()
    .showHelpAfterError('See kubectl blame --help.')
    .showSuggestionAfterError()
    .argument('[words...]', 'a type as kubectl takes it, and names; `ns NAME` is everything in that namespace')
    .option('-n, --namespace <name>', 'namespace; otherwise the one that kubectl uses (without TYPE: all)')
    .option('-A, --all-namespaces', 'all namespaces')
    .option('-l, --selector <selector>', 'labels that the object had then')
    .option('--at <time>', 'what existed at that moment')
    .option('--from <time>', 'the net difference from that moment')
    .option('--to <time>', 'until that moment (default: now)')
    .option('--since <time>', 'changes not before')
    .option('--until <time>', 'changes not after')
    .option('--user <name>', 'changes by this user')
    .addOption(new Option('--format <format>', 'how to write it').choices(FORMATS))
    .addOption(new Option('-o, --output <format>', 'the same').choices(FORMATS))
    .option('--limit <count>', 'at most so many (default: 50 changes, all objects)', count)
    .option('--status', 'also changes of status by controllers')
    .option('--attempts', 'also attempts that were never persisted')
    .helpOption('-h, --help', 'print this')
    .addHelpText('after', HELP);
  addLinesFlags(program);
  addSource(program);
  program.action((words: string[], flags: BlameFlags & SourceOptions) =>
    withReader(flags, io, async (reader) => {
      const { blame } = await import('./commands/blame.ts');
      await blame(words, flags, reader, io);
    }),
  );
  const coverage = program
    .command('coverage')
    .description('when recording worked, and why not in between')
    .addOption(
      new Option('-o, --output <format>', 'how to write it').choices(['table', 'json', 'yaml']).default('table'),
    );
  addSource(coverage);
  coverage.action((_flags: unknown, command: Command) => {
    // The program has some of these flags too, and takes those that stand before the command's name.
    const flags = command.optsWithGlobals<SourceOptions & { output: 'table' | 'json' | 'yaml' }>();
    return withReader(flags, io, async (reader) => {
      const { coverage: show } = await import('./commands/coverage.ts');
      await show(flags.output, reader, io);
    });
  });
  addProof(program, io);
  return program;
}

interface VerifyFlags {
  db?: string;
  checkpoints: string[];
  key: string[];
  samples: number;
  all?: boolean;
  output: 'table' | 'json' | 'yaml';
}

function addProof(program: Command, io: Io): void {
  const each = (value: string, before: string[]): string[] => [...before, value];
  program
    .command('verify')
    .description('whether the history is the one that was recorded: of a ledger file, or an exported archive')
    .argument('[file]', 'the file; otherwise --db')
    .addOption(new Option('--db <file>', 'ledger file').env('KUBEBLAME_DB'))
    .option('--checkpoints <file>', 'signed checkpoints, as the server wrote them; may be repeated', each, [])
    .option('--key <key>', 'key that signed them, NAME+ID+KEY or a file; may be repeated', each, [])
    .option('--samples <count>', "states to rebuild besides each object's last one", count, 1000)
    .option('--all', 'rebuild every state')
    .addOption(
      new Option('-o, --output <format>', 'how to write it').choices(['table', 'json', 'yaml']).default('table'),
    )
    .option('--no-color', 'no colours')
    .action(async (file: string | undefined, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<VerifyFlags>();
      const { verify } = await import('./commands/verify.ts');
      await verify({ ...flags, file: file ?? flags.db, samples: flags.all === true ? Infinity : flags.samples }, io);
    });
  program
    .command('export')
    .description('write a ledger file as an archive that verify accepts alone')
    .argument('<archive>', 'the file to write, such as shop.kubeblame.gz')
    .addOption(new Option('--db <file>', 'ledger file, also while a server writes to it').env('KUBEBLAME_DB'))
    .action(async (archive: string, _flags: unknown, command: Command) => {
      const { exportArchive } = await import('./commands/export.ts');
      await exportArchive(command.optsWithGlobals<{ db?: string }>().db, archive, io);
    });
}

function addSource(command: Command): void {
  command
    .addOption(new Option('--db <file>', 'ledger file to ask, also while a server writes to it').env('KUBEBLAME_DB'))
    .addOption(new Option('--server <url>', 'server to ask').env('KUBEBLAME_SERVER'))
    .addOption(new Option('--token-file <file>', 'bearer token for the server').env('KUBEBLAME_TOKEN_FILE'))
    .addOption(
      new Option('--certificate-authority <file>', "CA of the server's certificate").env(
        'KUBEBLAME_CERTIFICATE_AUTHORITY',
      ),
    )
    .option('--kubeconfig <file>', 'kubeconfig of the cluster to ask (without --db and --server)')
    .option('--context <name>', 'context in it')
    .option('--as <user>', 'user to impersonate')
    .option('--as-group <group>', 'group to impersonate; may be repeated', (group: string, groups: string[] = []) => [
      ...groups,
      group,
    ])
    .option('--no-color', 'no colours');
}

async function withReader(source: SourceOptions, io: Io, ask: (reader: LedgerReader) => Promise<void>): Promise<void> {
  const reader = await openReader(source, io);
  try {
    await ask(reader);
  } finally {
    await reader.close();
  }
}

function count(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError('it must be a number from 1 on.');
  }
  return value;
}
