import { Option, type Command } from 'commander';
import { flagsOf } from './arguments.ts';
import { describeCommand } from './help.ts';
import type { Context } from './subcommands.ts';

interface VerifyFlags {
  db?: string;
  checkpoints: string[];
  key: string[];
  samples: number;
  all?: boolean;
  output: 'table' | 'json' | 'yaml';
}

/** Commands about the ledger itself: whether it is the one that was recorded, and a copy that proves it. */
export function addProofCommands(program: Command, context: Context): void {
  addVerify(program, context);
  addExport(program, context);
}

function addVerify(program: Command, { io, count, asked }: Context): void {
  const command = program.command('verify').description('check a ledger file or an exported archive for tampering');
  if (!asked('verify')) return;
  const each = (value: string, before: string[]): string[] => [...before, value];
  command
    .argument('[file]', 'the file; otherwise --db')
    .addOption(new Option('--db <file>', 'ledger file').env('KUBEBLAME_DB'))
    .option('--checkpoints <file>', 'signed checkpoints, as the server wrote them; may be repeated', each, [])
    .option('--key <key>', 'key that signed them, NAME+ID+KEY or a file; may be repeated', each, [])
    .option('--samples <count>', "states to rebuild besides each object's last one", count, 1000)
    .option('--all', 'rebuild every state')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['table', 'json', 'yaml']).default('table'))
    .addOption(new Option('--color <when>', 'colours: auto is on a terminal').choices(['auto', 'always', 'never']))
    .option('--no-color', 'no colours: the same as --color=never')
    .action(async (file: string | undefined, _flags: unknown, self: Command) => {
      const flags = flagsOf<VerifyFlags>(self);
      const { verify: check } = await import('./commands/verify.ts');
      await check({ ...flags, file: file ?? flags.db, samples: flags.all === true ? Infinity : flags.samples }, io);
    });
  describeCommand(
    command,
    '\n  # Whether a ledger is the one that was recorded\n  kubectl blame verify ledger.db --checkpoints checkpoints.log --key key.pub',
  );
}

function addExport(program: Command, { io, asked }: Context): void {
  const command = program.command('export').description('write a ledger file as an archive that verify accepts alone');
  if (!asked('export')) return;
  command
    .argument('<archive>', 'the file to write, such as shop.kubeblame.gz')
    .addOption(new Option('--db <file>', 'ledger file, also while a server writes to it').env('KUBEBLAME_DB'))
    .action(async (archive: string, _flags: unknown, self: Command) => {
      const { exportArchive } = await import('./commands/export.ts');
      await exportArchive(flagsOf<{ db?: string }>(self).db, archive, io);
    });
  describeCommand(command, '\n  # A copy that proves itself\n  kubectl blame export shop.kubeblame.gz --db ledger.db');
}
