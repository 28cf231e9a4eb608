import { Argument, Option, type Command } from 'commander';
import type { LedgerReader } from '../shared/types.ts';
import { flagsOf } from './arguments.ts';
import { each } from './commands/match-flags.ts';
import type { ManualFlags } from './commands/manual.ts';
import type { BlameFlags } from './commands/request.ts';
import { addRulesFlags } from './commands/rules-flags.ts';
import type { UndoFlags } from './commands/undo.ts';
import { describeCommand } from './help.ts';
import type { Io } from './io.ts';
import type { SourceOptions } from './open-reader.ts';

export const SHELLS = ['bash', 'zsh', 'fish', 'kubectl'] as const;

export interface Context {
  io: Io;
  addSource: (command: Command) => void;
  withReader: (source: SourceOptions, io: Io, ask: (reader: LedgerReader) => Promise<void>) => Promise<void>;
  count: (text: string) => number;
  /** False for a command that the words on the command line do not name: then its name and description are enough. */
  asked: (name: string) => boolean;
}

type Document = 'json' | 'yaml';

/** All commands but the main one. Each loads what it does only when it is run: the start is what one waits for. */
export function addSubcommands(program: Command, context: Context): void {
  addShow(program, context);
  addUndo(program, context);
  addWho(program, context);
  addManual(program, context);
  addDenied(program, context);
  addCoverage(program, context);
  addVersion(program, context);
  addCompletion(program, context);
}

export function addOutput(command: Command, ...more: string[]): void {
  command.addOption(new Option('-o, --output <format>', 'output format').choices([...more, 'json', 'yaml']));
}

function addShow(program: Command, { io, addSource, withReader, asked }: Context): void {
  const command = program
    .command('show')
    .description('everything about a change: who, when, how it is known, what it did, what came before and after');
  if (!asked('show')) return;
  command
    .usage('ID... [flags]')
    .argument('<ids...>', 'changes, by the ID that tables show')
    .option('-n, --namespace <name>', 'namespace that the objects must be in');
  addOutput(command);
  addSource(command);
  describeCommand(
    command,
    `
  # Everything about one change
  kubectl blame show 1204

  # The same for a script
  kubectl blame show 1204 -o json`,
  );
  command.action((ids: string[], _flags: unknown, self: Command) => {
    const flags = flagsOf<SourceOptions & { output?: Document; namespace?: string }>(self);
    return withReader(flags, io, async (reader) => {
      const { show } = await import('./commands/show.ts');
      await show(ids, flags, reader, io);
    });
  });
}

function addUndo(program: Command, { io, addSource, withReader, asked }: Context): void {
  const command = program
    .command('undo')
    .description('print what takes changes back on the objects as they are now; applies nothing');
  if (!asked('undo')) return;
  command
    .usage('ID... [flags]')
    .argument('<ids...>', 'changes, by the ID that tables show')
    .option('-n, --namespace <name>', 'namespace that the objects must be in')
    .option('--force', 'take back also what others have set since')
    .option(
      '--any-version',
      'do not insist on the resourceVersion that it was made against; each value still is tested',
    );
  addSource(command);
  describeCommand(
    command,
    `
  # What would take a change back
  kubectl blame undo 1204

  # Take it back: the command to pipe it into is printed with it
  kubectl blame undo 1204 | kubectl patch deployments.v1.apps web -n shop --type json --patch-file /dev/stdin

  # Take several back; of several objects it is a script
  kubectl blame undo 1204 1207 1208 | sh`,
    `
An update is taken back by a JSON Patch that tests the resourceVersion and each value before it replaces it, so that it
applies wholly or not at all; a deletion by a manifest for kubectl create, a creation by one for kubectl delete.`,
  );
  command.action((ids: string[], _flags: unknown, self: Command) => {
    const flags = flagsOf<SourceOptions & UndoFlags>(self);
    return withReader(flags, io, async (reader) => {
      const { undoChanges } = await import('./commands/undo.ts');
      await undoChanges(ids, flags, reader, io);
    });
  });
}

function addWho(program: Command, { io, addSource, withReader, count, asked }: Context): void {
  const command = program
    .command('who')
    .description('who changed something, how often, when last; with --user what that user did');
  if (!asked('who')) return;
  command
    .usage('[TYPE [NAME...] | TYPE/NAME ...] [flags]')
    .argument('[words...]', 'what was changed; everything where nothing is named')
    .option('-n, --namespace <name>', 'namespace')
    .option('-A, --all-namespaces', 'all namespaces')
    .option(
      '--user <name>',
      'what this user did, grouped by command: one apply of ten objects is one line; may be repeated, and hold * (quoted)',
      each,
    )
    .option('--exclude-user <name>', "not this user, such as 'system:*'; may be repeated", each)
    .option('--since <time>', 'only changes at or after this time')
    .option('--until <time>', 'only changes at or before this time')
    .option('--limit <count>', 'maximum number of results', count)
    .option('--status', 'also changes of status by controllers')
    .option('--no-headers', 'no first line with the names of the columns');
  addRulesFlags(command);
  addOutput(command, 'table');
  addSource(command);
  describeCommand(
    command,
    `
  # Who changed anything in the last two hours
  kubectl blame who --since 2h

  # Who changes a namespace's deployments
  kubectl blame who deployments -n shop

  # What a person did today
  kubectl blame who --user alice@example.com --since today`,
  );
  command.action((words: string[], _flags: unknown, self: Command) => {
    const flags = flagsOf<BlameFlags & SourceOptions>(self);
    return withReader(flags, io, async (reader) => {
      const { who } = await import('./commands/who.ts');
      await who(words, flags, reader, io);
    });
  });
}

function addDenied(program: Command, { io, addSource, withReader, count, asked }: Context): void {
  const command = program
    .command('denied')
    .description(
      'who tried what and was refused by the API server: where its audit log is taken in (docs/audit-logs.md)',
    );
  if (!asked('denied')) return;
  command
    .usage('[TYPE [NAME...] | TYPE/NAME ...] [flags]')
    .argument('[words...]', 'what was to be changed; everything where nothing is named')
    .option('-n, --namespace <name>', 'namespace')
    .option('-A, --all-namespaces', 'all namespaces')
    .option('--user <name>', 'only this user; may be repeated, and hold * (quoted)', each)
    .option('--exclude-user <name>', "not this user, such as 'system:*'; may be repeated", each)
    .option('--since <time>', 'only requests at or after this time')
    .option('--until <time>', 'only requests at or before this time')
    .option('--limit <count>', 'maximum number of results', count)
    .option('--no-headers', 'no first line with the names of the columns');
  addOutput(command, 'table');
  addSource(command);
  describeCommand(
    command,
    `
  # Who was refused anything today
  kubectl blame denied --since today

  # What a person was refused in a namespace
  kubectl blame denied -n shop --user bob@example.com`,
  );
  command.action((words: string[], _flags: unknown, self: Command) => {
    const flags = flagsOf<BlameFlags & SourceOptions>(self);
    return withReader(flags, io, async (reader) => {
      const { denied } = await import('./commands/denied.ts');
      await denied(words, flags, reader, io);
    });
  });
}

function addManual(program: Command, { io, addSource, withReader, count, asked }: Context): void {
  const command = program
    .command('manual')
    .description('what people changed by hand in what Argo CD, Flux or Helm manages, and what became of it');
  if (!asked('manual')) return;
  command
    .usage('[TYPE [NAME...] | TYPE/NAME ...] [flags]')
    .argument('[words...]', 'what was changed; everything where nothing is named')
    .option('-n, --namespace <name>', 'namespace')
    .option('-A, --all-namespaces', 'all namespaces')
    .option('--since <time>', 'only changes at or after this time')
    .option('--until <time>', 'only changes at or before this time')
    .option('--limit <count>', 'maximum number of results', count)
    .option('--fail-on-open', 'exit code 1 where something is still different from what a tool delivers')
    .option('--no-headers', 'no first line with the names of the columns');
  addOutput(command, 'table', 'csv');
  addSource(command);
  describeCommand(
    command,
    `
  # What was changed by hand today, and what is still different from Git
  kubectl blame manual --since today

  # In a pipeline: fails while something is
  kubectl blame manual -n shop --fail-on-open`,
  );
  command.action((words: string[], _flags: unknown, self: Command) => {
    const flags = flagsOf<ManualFlags & SourceOptions>(self);
    return withReader(flags, io, async (reader) => {
      const { manual } = await import('./commands/manual.ts');
      await manual(words, flags, reader, io);
    });
  });
}

function addCoverage(program: Command, { io, addSource, withReader, asked }: Context): void {
  const command = program.command('coverage').description('when recording worked, and why not in between');
  if (!asked('coverage')) return;
  command.usage('[flags]').option('--no-headers', 'no first line with the names of the columns');
  addOutput(command, 'table');
  addSource(command);
  describeCommand(command, '\n  # When recording did not work\n  kubectl blame coverage');
  command.action((_flags: unknown, self: Command) => {
    const flags = flagsOf<SourceOptions & { output?: 'table' | Document }>(self);
    return withReader(flags, io, async (reader) => {
      const { coverage } = await import('./commands/coverage.ts');
      await coverage(flags.output ?? 'table', reader, io);
    });
  });
}

function addVersion(program: Command, { io, addSource, asked }: Context): void {
  const command = program
    .command('version')
    .description('the versions of this program, of the server, and of the ledger');
  if (!asked('version')) return;
  command.usage('[flags]').option('--client', 'only of this program: asks nobody');
  addOutput(command);
  addSource(command);
  describeCommand(command, '\n  # All versions, and whether they go together\n  kubectl blame version');
  command.action(async (_flags: unknown, self: Command) => {
    const flags = flagsOf<SourceOptions & { client?: boolean; output?: Document }>(self);
    const { version } = await import('./commands/version.ts');
    await version(flags, io);
  });
}

function addCompletion(program: Command, { io, asked }: Context): void {
  const command = program
    .command('completion')
    .description('the script by which a shell completes types, names, namespaces, users and ids');
  if (!asked('completion')) return;
  command.usage(`(${SHELLS.join(' | ')})`).addArgument(new Argument('<shell>', 'for which shell').choices(SHELLS));
  describeCommand(
    command,
    `
  # Now, in this shell
  source <(kubectl-blame completion bash)

  # Always, in fish
  kubectl-blame completion fish > ~/.config/fish/completions/kubectl-blame.fish

  # After "kubectl blame": put this on the PATH
  kubectl-blame completion kubectl > ~/bin/kubectl_complete-blame && chmod +x ~/bin/kubectl_complete-blame`,
  );
  command.action(async (shell: (typeof SHELLS)[number]) => {
    const { completionScript } = await import('./completion/scripts.ts');
    io.out(completionScript(shell));
  });
}
