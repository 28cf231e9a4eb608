import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { KubeblameError, messageOf } from '../shared/errors.ts';
import type { LedgerReader } from '../shared/types.ts';
import { VERSION } from '../shared/version.ts';
import { commanderWords, flagsOf, isOn } from './arguments.ts';
import { withCommandHint } from './command-hint.ts';
import { addHistoryFlags } from './commands/history-flags.ts';
import { addLinesFlags } from './commands/lines-flags.ts';
import { addMatchFlags, each } from './commands/match-flags.ts';
import { FORMATS, type BlameFlags } from './commands/request.ts';
import { addRulesFlags } from './commands/rules-flags.ts';
import { addEventCommands } from './event-commands.ts';
import { EXIT, Exit, exitCodeOf } from './exit-code.ts';
import { describeCommand, formatHelp } from './help.ts';
import type { Io } from './io.ts';
import { addApplicationCommands } from './application-commands.ts';
import { openReader, type SourceOptions } from './open-reader.ts';
import { addLandscapeCommands } from './landscape-commands.ts';
import { addProofCommands } from './proof-commands.ts';
import { addSubcommands } from './subcommands.ts';
import { takeTemplate } from './template-flag.ts';
import { printable } from './views/text.ts';

const EXAMPLES = `
  # What happened, newest first: an act a line, with what controllers did in consequence
  kubectl blame
  kubectl blame ns shop --humans --since 2h
  kubectl blame ns shop --expand

  # The same to browse on the terminal: Enter unfolds an act, d shows a diff, u what undoes it
  kubectl blame ns shop -i

  # Who changed a deployment, and what
  kubectl blame deployment nginx
  kubectl blame deploy/nginx --format diff

  # One of these changes, and how to take it back
  kubectl blame show 1204
  kubectl blame undo 1204

  # Everything that changed in a namespace since yesterday, and what comes
  kubectl blame ns default --since "yesterday 18:00"
  kubectl blame ns default --watch

  # What existed then; the object as it was, to apply again
  kubectl blame --at 2026-03-03T14:32
  kubectl blame deployment nginx --at 2h -o yaml

  # The object's YAML, and who set each line; with --humans not counting controllers
  kubectl blame deployment nginx --format lines
  kubectl blame -f deployment.yaml
  kubectl blame -f manifests/ -R

  # Who changed one field
  kubectl blame deployment nginx --field spec.replicas

  # What happened to an application, or to what a team answers for
  kubectl blame app/shop --since 2h
  kubectl blame team/checkout --format diff

  # The net difference between two moments
  kubectl blame -n shop --from 09:00 --to 10:30 --format diff`;

const NOTES = `
Times are RFC 3339, local without a zone (2026-03-03T14:32), a date (2026-03-03, "Mar 3"), 2pm, noon, @1772548330, relative (2h,
1mo, "10 minutes ago", "last monday", "yesterday 14:00"), a part of a day ("last night", "this morning"), a release ("last release",
24.4, "before 24.4"), or the ID of a change: all that is printed. -n is the namespace, as in kubectl; -5 and --limit 5 are git's -n 5.

Exit codes: 0 answered, 1 error, 2 usage, 3 asked for a time or object that no record covers, 4 not all of an undo is
possible, 128 the output cannot be written, 141 nobody read the output to its end. With -f as of kubectl diff: 0 nothing differs,
1 something does, more than 1 an error.`;

/** Which of what adorns the output is wanted. */
export interface OutputFlags {
  colour: boolean;
  /** Colours also in a pipe: --color=always. */
  forced?: boolean;
  pager: boolean;
  headers: boolean;
}

/** Makes the io once the flags are known: --no-color, --no-pager and --no-headers are among them. */
export type IoFactory = (wanted: OutputFlags) => Io;

/** Runs the command line, and returns the exit code. Errors are told on stderr: what was wrong, then what to do. */
export async function run(args: readonly string[], makeIo: IoFactory): Promise<number> {
  const wanted = (flag: string): boolean => !isOn(args, flag);
  const colour = colourFlag(args);
  const io = makeIo({
    colour: colour !== 'never' && wanted('--no-color'),
    forced: colour === 'always',
    pager: wanted('--no-pager'),
    headers: wanted('--no-headers'),
  });
  const code = await codeOf(() => answer(args, io), io);
  // What could not be written is told after all: also the last of it.
  const ended = await codeOf(() => io.end?.(), io);
  return ended === EXIT.answered ? code : ended;
}

const COLOURS = ['auto', 'always', 'never'] as const;

/** --color, which decides about the output before the rest is read; the last one counts. */
function colourFlag(args: readonly string[]): string {
  const end = args.indexOf('--');
  const flags = end < 0 ? args : args.slice(0, end);
  const last = flags.findLastIndex((arg) => arg === '--color' || arg.startsWith('--color='));
  if (last < 0) return 'auto';
  return flags[last] === '--color' ? (flags[last + 1] ?? 'auto') : (flags[last] ?? '').slice('--color='.length);
}

async function answer(args: readonly string[], io: Io): Promise<void> {
  const { words, template } = takeTemplate(args);
  if (template === null) return answerPlainly(args, io);
  const { templated } = await import('./templates/output-template.ts');
  const kept = await templated(template, io);
  try {
    await answerPlainly(words, kept.io);
  } catch (error) {
    // Of a comparison the exit code is part of the answer.
    if (error instanceof Exit) kept.finish();
    throw error;
  }
  kept.finish();
}

async function answerPlainly(args: readonly string[], io: Io): Promise<void> {
  if (args[0] === '__complete') {
    const { complete } = await import('./completion/complete.ts');
    // Completion looks at all commands.
    return complete(args.slice(1), createProgram(io), withReader, io);
  }
  const program = createProgram(io, args);
  const named = program.commands.find((each) => args.includes(each.name()));
  // -5 is for commands that have a limit.
  const common = program.options.filter(({ long }) => named === undefined || long !== '--limit');
  const words = commanderWords(args, [...(named?.options ?? []), ...common]);
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    const compares = program.opts<BlameFlags>().filename !== undefined;
    if (!compares || error instanceof Exit) throw error;
    // Of a comparison 1 says that something differs.
    const code = fail(error, io);
    throw new Exit(code === EXIT.differs ? EXIT.usage : code);
  }
}

async function codeOf(work: () => Promise<void> | undefined, io: Io): Promise<number> {
  try {
    await work();
    return EXIT.answered;
  } catch (error) {
    return error instanceof Exit ? error.code : fail(error, io);
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

/** The commands and their flags. With `args`, only the commands that they name have flags: a hundred take a while. */
function createProgram(io: Io, args?: readonly string[]): Command {
  const program = new Command('kubectl blame')
    .description('Who changed this, what exactly, when, and what did it look like before?')
    .usage('[TYPE [NAME...] | TYPE/NAME ...] [flags]')
    .version(VERSION, '--version', 'print the version of this program')
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      outputError: (text) => io.err(usageError(text, helpFor(program, args), io)),
    })
    .configureHelp({ formatHelp, helpWidth: Math.min(io.style.columns ?? 100, 120) })
    .exitOverride()
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .argument('[words...]', 'a type as kubectl takes it, and names; `ns NAME` is everything in that namespace')
    .option('-n, --namespace <name>', 'namespace; otherwise the one that kubectl uses (without TYPE: all)')
    .option('-A, --all-namespaces', 'all namespaces')
    .option('-l, --selector <selector>', 'labels that the object had then')
    .option('--at <time>', 'what existed at that moment')
    .option('--from <time>', 'the net difference from that moment')
    .option('--to <time>', 'the net difference up to that moment (default: now)')
    .option('--since <time>', 'only changes at or after this time')
    .option('--until <time>', 'only changes at or before this time')
    .addOption(new Option('--format <format>', 'output format').choices(FORMATS))
    .addOption(
      new Option(
        '-o, --output <format>',
        "output format: the same as --format; of what json has also jsonpath='{...}' and custom-columns=HEAD:PATH,...",
      ).choices(FORMATS),
    )
    .option('--limit <count>', 'maximum number of results (default: 30 acts, 50 changes, all objects); also -5', count)
    .option('--status', 'also changes of status by controllers')
    .option('--attempts', 'also attempts that were never persisted')
    .option('--no-headers', 'no first line with the names of the columns')
    .helpOption('-h, --help', 'print this')
    .helpCommand('help [command]', 'print the help of a command');
  describeCommand(program, EXAMPLES, NOTES);
  addMatchFlags(program);
  addHistoryFlags(program);
  addLinesFlags(program);
  addRulesFlags(program);
  addSource(program);
  program.action((words: string[], _flags: unknown, self: Command) => {
    const flags = flagsOf<BlameFlags & SourceOptions>(self);
    return withReader(flags, io, async (reader) => {
      const { blame } = await import('./commands/blame.ts');
      await blame(words, flags, reader, io).catch((error: unknown) => {
        throw withCommandHint(error, words, program);
      });
    });
  });
  const asked = (name: string): boolean => args?.includes(name) ?? true;
  const context = { io, addSource, withReader, count, asked };
  addSubcommands(program, context);
  addEventCommands(program, context);
  addApplicationCommands(program, context);
  addLandscapeCommands(program, context);
  addProofCommands(program, context);
  return program;
}

/** The help that tells more: of the command that was meant. */
function helpFor(program: Command, args: readonly string[] = []): string {
  const command = program.commands.find((each) => args.includes(each.name()));
  return `${command === undefined ? program.name() : `${program.name()} ${command.name()}`} --help`;
}

/** commander's errors in our form: what was wrong, and what to do. */
function usageError(text: string, help: string, { style: { chalk } }: Io): string {
  const [told = '', suggestion] = text.trim().split('\n');
  const what = told.replace(
    /^(?:error: )?option '(.*?)' argument '(.*)' is invalid\. (.*)$/s,
    "$1: '$2' is not valid. $3",
  );
  const meant = suggestion === undefined ? null : /^\((Did you mean .*\?)\)$/.exec(suggestion)?.[1];
  const hint = meant === undefined || meant === null ? `see ${help}` : `did${meant.slice('Did'.length)}`;
  return `${chalk.red('error:')} ${printable(what.replace(/^error: /, ''))}\n${chalk.cyan('hint:')} ${printable(hint)}\n`;
}

/** Where the answer comes from, and how it is shown: flags of every command. */
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
    .option('--cluster <name>', 'cluster in it, instead of that of the context')
    .option('--as <user>', 'user to impersonate')
    .option('--as-group <group>', 'group to impersonate; may be repeated', each)
    .option('--as-uid <uid>', 'UID to impersonate')
    .option('--token <token>', 'bearer token, for the cluster or the server')
    .option('--request-timeout <time>', 'how long one request may take, such as 5s or 1m; 0 for no limit', duration)
    .addOption(new Option('--color <when>', 'colours: auto is on a terminal').choices(COLOURS))
    .option('--no-color', 'no colours: the same as --color=never')
    .option('--no-pager', 'no pager');
}

async function withReader(source: SourceOptions, io: Io, ask: (reader: LedgerReader) => Promise<void>): Promise<void> {
  const reader = await openReader(source, io);
  try {
    await ask(reader);
  } finally {
    await reader.close();
  }
}

/** As kubectl reads it: `5s`, `1m30s`, or a number of seconds. In ms. */
function duration(text: string): number {
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== text) {
    throw new InvalidArgumentError('It must be a time like 5s or 1m30s, or a number of seconds.');
  }
  return parts.reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (units[unit] ?? 0), 0);
}

function count(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError('It must be a whole number of at least 1.');
  }
  return value;
}
