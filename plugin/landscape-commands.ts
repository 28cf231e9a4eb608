import { InvalidArgumentError, Option, type Command } from 'commander';
import { flagsOf } from './arguments.ts';
import type { AllowsFlags } from './commands/allows.ts';
import type { ImpactFlags } from './commands/impact.ts';
import { each } from './commands/match-flags.ts';
import type { TreeFlags } from './commands/tree.ts';
import type { UiFlags } from './commands/ui.ts';
import { describeCommand } from './help.ts';
import type { SourceOptions } from './open-reader.ts';
import type { Context } from './subcommands.ts';

const FORMATS = ['table', 'wide', 'json', 'yaml', 'dot', 'mermaid'];

/** Commands about what depends on what. */
export function addLandscapeCommands(program: Command, context: Context): void {
  addTree(program, context);
  addImpact(program, context);
  addAllows(program, context);
  addUi(program, context);
}

function addUi(program: Command, { io, addSource, withReader, asked }: Context): void {
  const command = program
    .command('ui')
    .description('a page on this machine: the map of applications at any moment, the timeline, and who did it');
  if (!asked('ui')) return;
  command
    .usage('[flags]')
    .option('--port <port>', 'port on 127.0.0.1 (default: any that is free)', port)
    .option('--no-open', 'only print the address');
  addSource(command);
  describeCommand(
    command,
    `
  # The page of the cluster that kubectl speaks to
  kubectl blame ui

  # Of a ledger file; the address is printed
  kubectl blame ui --db ledger.db --no-open`,
    `
It shows what you may read, and changes nothing. It answers on 127.0.0.1 only, and only whoever has the address with its key. Ctrl-C ends it.`,
  );
  command.action((_flags: unknown, self: Command) => {
    const flags = flagsOf<SourceOptions & UiFlags>(self);
    return withReader(flags, io, async (reader) => {
      const { ui } = await import('./commands/ui.ts');
      await ui(flags, reader, io);
    });
  });
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535) throw new InvalidArgumentError('It must be a number from 0 to 65535.');
  return value;
}

function addTree(program: Command, { io, addSource, withReader, count, asked }: Context): void {
  const command = program
    .command('tree')
    .description('what an object depends on, or with --reverse who depends on it, at any moment');
  if (!asked('tree')) return;
  command
    .usage('TYPE/NAME [flags]')
    .argument('<words...>', 'one object, also one that is gone')
    .option('-n, --namespace <name>', 'namespace')
    .option('--reverse', 'who depends on it')
    .option('--depth <steps>', 'how many steps (default: 3)', count)
    .option('--at <time>', 'at that moment (default: now)')
    .option('--no-headers', 'no first line with the names of the columns')
    .addOption(new Option('-o, --output <format>', 'output format; wide, json and yaml tell who made each edge').choices(FORMATS)); // prettier-ignore
  addSource(command);
  describeCommand(
    command,
    `
  # What a deployment depends on
  kubectl blame tree deployment/web -n shop

  # Who depended on a ConfigMap last week, and who made it so
  kubectl blame tree configmap/web-config -n shop --reverse --at "last monday" -o wide

  # A picture
  kubectl blame tree deployment/web -n shop -o dot | dot -Tsvg > web.svg`,
    `
It tells wiring, as bodies of objects say it, not traffic. What is inferred from a value, such as a URL in the environment, has a ?.`,
  );
  command.action((words: string[], _flags: unknown, self: Command) => {
    const flags = flagsOf<SourceOptions & TreeFlags>(self);
    return withReader(flags, io, async (reader) => {
      const { tree } = await import('./commands/tree.ts');
      await tree(words, flags, reader, io);
    });
  });
}

function addAllows(program: Command, { io, addSource, withReader, asked }: Context): void {
  const command = program
    .command('allows')
    .description('whether NetworkPolicies allowed connections from one workload to another, and who made them so');
  if (!asked('allows')) return;
  command
    .usage('FROM TO [flags]')
    .argument('<from>', 'a workload or pod that connects: TYPE/NAME, or TYPE/NAMESPACE/NAME')
    .argument('<to>', 'one that is connected to, likewise')
    .option('-n, --namespace <name>', 'namespace of those that name none')
    .option('--port <port>', "the pods' port, such as 8443, 53/UDP, or a name (default: any)")
    .option('--at <time>', 'at that moment (default: now)')
    .option('--no-headers', 'no first line with the names of the columns')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['table', 'json', 'yaml']));
  addSource(command);
  describeCommand(
    command,
    `
  # May checkout reach the API of payments, and since whose change not?
  kubectl blame allows deployment/checkout/checkout deployment/payments/payments-api --port 8443`,
    `
Connections need the policies of both ends. It tells what policies say, not what the network enforces.`,
  );
  command.action((from: string, to: string, _flags: unknown, self: Command) => {
    const flags = flagsOf<SourceOptions & AllowsFlags>(self);
    return withReader(flags, io, async (reader) => {
      const { allows } = await import('./commands/allows.ts');
      await allows([from, to], flags, reader, io);
    });
  });
}

function addImpact(program: Command, { io, addSource, withReader, count, asked }: Context): void {
  const command = program
    .command('impact')
    .description('what a change or the loss of an object, a recorded change, or a manifest reaches and breaks');
  if (!asked('impact')) return;
  command
    .usage('(TYPE/NAME | ID | -f FILE) [flags]')
    .argument('[words...]', 'one object, or the ID of a change, as tables show it')
    .option('-n, --namespace <name>', 'namespace')
    .option(
      '-f, --filename <file>',
      'a manifest that is not applied yet: a file, a folder, or -; may be repeated',
      each,
    )
    .option('-R, --recursive', 'with -f: also the folders in a folder')
    .option('--gone', 'what if the object were gone, not changed')
    .option('--depth <count>', 'how many workloads, one behind the other (default: 3)', count)
    .option('--at <time>', 'at that moment (default: now)')
    .option('--no-headers', 'no first line with the names of the columns')
    .addOption(new Option('-o, --output <format>', 'output format').choices(FORMATS.filter((each) => each !== 'wide')));
  addSource(command);
  describeCommand(
    command,
    `
  # What a change of a Secret reaches, and what it would be without it
  kubectl blame impact secret/db-credentials -n shop
  kubectl blame impact secret/db-credentials -n shop --gone

  # What a manifest would break, before it is applied
  kubectl blame impact -f web-config.yaml

  # What a recorded change broke
  kubectl blame impact 1204`,
    `
goes: Kubernetes deletes it too. breaks: it lacks what it needs. denied: it may not do any more what it did. stale: it goes on with the
old value until a restart. may notice: what it works with is affected. It tells wiring, not traffic.`,
  );
  command.action((words: string[], _flags: unknown, self: Command) => {
    const flags = flagsOf<SourceOptions & ImpactFlags>(self);
    return withReader(flags, io, async (reader) => {
      const { impact } = await import('./commands/impact.ts');
      await impact(words, flags, reader, io);
    });
  });
}
