import { Option, type Command } from 'commander';
import { flagsOf } from './arguments.ts';
import type { LandscapeFlags } from './commands/landscape-flags.ts';
import type { ReleasesFlags } from './commands/releases.ts';
import { addRulesFlags } from './commands/rules-flags.ts';
import { describeCommand } from './help.ts';
import type { SourceOptions } from './open-reader.ts';
import type { Context } from './subcommands.ts';

/** The commands about applications: apps and releases. */
export function addApplicationCommands(program: Command, context: Context): void {
  addApps(program, context);
  addReleases(program, context);
}

function addCommonFlags(command: Command, at: string): void {
  command
    .option('--at <time>', at)
    .option('--no-headers', 'no first line with the names of the columns')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['table', 'json', 'yaml']));
  addRulesFlags(command);
}

function addApps(program: Command, { io, addSource, withReader, asked }: Context): void {
  const command = program
    .command('apps')
    .description('which applications run, of which teams, in which release; with NAME what belongs to one, and why');
  if (!asked('apps')) return;
  command.usage('[NAME] [flags]').argument('[name]', 'one application: its objects, and what says that they belong to it'); // prettier-ignore
  addCommonFlags(command, 'what ran at that moment');
  addSource(command);
  describeCommand(
    command,
    `
  # What runs, and what ran yesterday
  kubectl blame apps
  kubectl blame apps --at "yesterday 18:00"

  # What belongs to an application, and why
  kubectl blame apps shop`,
  );
  command.action((name: string | undefined, _flags: unknown, self: Command) => {
    const flags = flagsOf<SourceOptions & LandscapeFlags>(self);
    return withReader(flags, io, async (reader) => {
      const { apps } = await import('./commands/apps.ts');
      await apps(name, flags, reader, io);
    });
  });
}

function addReleases(program: Command, { io, addSource, withReader, asked }: Context): void {
  const command = program
    .command('releases')
    .description('which versions of an application ran when, and who brought them; A..B compares two');
  if (!asked('releases')) return;
  command
    .usage('APP [VERSION | A..B] [flags]')
    .argument('<app>', 'an application, as apps names it')
    .argument('[version]', 'only where a label or an image says this version; A..B: what two releases differ in');
  addCommonFlags(command, 'until that moment');
  command
    .option('--from <time>', 'what differs, from that moment')
    .option('--to <time>', 'until that moment (default: now)');
  addSource(command);
  describeCommand(
    command,
    `
  # Which versions ran, since when, and who brought them
  kubectl blame releases shop

  # Where and when 24.3 ran, also where label and image disagree
  kubectl blame releases shop 24.3

  # What two releases differ in
  kubectl blame releases shop 24.2..24.3
  kubectl blame releases shop --from 09:00 --to 10:30`,
  );
  command.action((app: string, version: string | undefined, _flags: unknown, self: Command) => {
    const flags = flagsOf<SourceOptions & ReleasesFlags>(self);
    return withReader(flags, io, async (reader) => {
      const { releases } = await import('./commands/releases.ts');
      await releases(app, version, flags, reader, io);
    });
  });
}
