import type { Command } from 'commander';
import { flagsOf } from './arguments.ts';
import type { EventFlags } from './commands/events.ts';
import { addRulesFlags } from './commands/rules-flags.ts';
import { describeCommand } from './help.ts';
import type { SourceOptions } from './open-reader.ts';
import { addOutput, type Context } from './subcommands.ts';

/** The command about Kubernetes Events. */
export function addEventCommands(program: Command, { io, addSource, withReader, count, asked }: Context): void {
  const command = program
    .command('events')
    .description('Kubernetes Events, also those that the API server has no more; of a named object also of its pods');
  if (!asked('events')) return;
  command
    .usage('[TYPE [NAME...] | TYPE/NAME ...] [flags]')
    .argument('[words...]', 'what they are about; everything where nothing is named')
    .option('-n, --namespace <name>', 'namespace')
    .option('-A, --all-namespaces', 'all namespaces')
    .option('--types <types>', 'only Events of this type: Warning, Normal')
    .option('--since <time>', 'only what happened at or after this time')
    .option('--until <time>', 'only what happened at or before this time, with the counts of then')
    .option('--limit <count>', 'maximum number of results', count)
    .option('--no-headers', 'no first line with the names of the columns');
  addRulesFlags(command);
  addOutput(command, 'table', 'wide', 'csv');
  addSource(command);
  describeCommand(
    command,
    `
  # What was reported about a deployment, its replica sets and its pods
  kubectl blame events deployment web -n shop

  # All warnings of the last hour
  kubectl blame events -A --types Warning --since 1h

  # Events of an application; with their owners, and each step of their counts
  kubectl blame events app/shop -o wide
  kubectl blame events pod web-x2 -n shop -o yaml

  # Changes and Events on one time line
  kubectl blame deployment web -n shop --events`,
  );
  command.action((words: string[], _flags: unknown, self: Command) => {
    const flags = flagsOf<EventFlags & SourceOptions>(self);
    return withReader(flags, io, async (reader) => {
      const { events } = await import('./commands/events.ts');
      await events(words, flags, reader, io);
    });
  });
}
