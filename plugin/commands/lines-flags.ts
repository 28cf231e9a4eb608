import { Option, type Command } from 'commander';
import { KubeblameError } from '../../shared/errors.ts';
import { parseField } from '../../shared/field-path.ts';
import { expandUser } from '../views/user.ts';

/** The flags of `--format lines`, as commander gives them; --field also goes with the history. */
export interface LinesFlags {
  field?: string;
  removed?: boolean;
  ignoreUser?: string[];
  humans?: boolean;
  filename?: string[];
  recursive?: boolean;
}

/** What they ask for. */
export interface LinesOptions {
  field?: string;
  removed: boolean;
  ignore: string[];
  humans: boolean;
  /** Files, folders and `-`; empty where no manifest is meant. */
  filenames: string[];
  /** Also the folders in folders. */
  recursive: boolean;
}

export function addLinesFlags(command: Command): Command {
  return command
    .option('--field <path>', 'only this field: its history, or with --format lines its lines')
    .addOption(
      new Option(
        '-f, --filename <file>',
        'lines: the objects of manifests, against what the cluster has; a folder, - is stdin, may be repeated',
      ).argParser((names: string, before: string[] | undefined) => [...(before ?? []), ...names.split(',')]),
    )
    .option('-R, --recursive', 'with -f: also the folders in a folder')
    .option('--removed', 'lines: also what is not there any more, and who took it away')
    .addOption(
      new Option('--ignore-user <name>', 'lines: look through this user, to whoever set a value before').argParser(
        (name: string, before: string[] | undefined) => [...(before ?? []), expandUser(name)],
      ),
    )
    .option('--humans', 'only changes by people; with lines, look through controllers to the person before them');
}

/** True where a flag was given that only lines have: then they are meant. */
export function asksForLines({ removed, ignoreUser, filename }: LinesFlags): boolean {
  return removed === true || ignoreUser !== undefined || filename !== undefined;
}

/** Throws field-invalid; usage-invalid where the flags do not go with what else is asked. */
export function readLinesFlags(flags: LinesFlags, lines: boolean): LinesOptions {
  if (flags.field !== undefined) parseField(flags.field);
  if (!lines && asksForLines(flags)) {
    throw new KubeblameError(
      'usage-invalid',
      '--removed, --ignore-user and -f are about lines',
      'leave --format out, or use --format lines',
    );
  }
  if (flags.recursive === true && flags.filename === undefined) {
    throw new KubeblameError('usage-invalid', '-R goes with -f', 'name a folder: -R -f FOLDER');
  }
  return {
    removed: flags.removed === true,
    ignore: flags.ignoreUser ?? [],
    humans: flags.humans === true,
    ...(flags.field === undefined ? {} : { field: flags.field }),
    filenames: flags.filename ?? [],
    recursive: flags.recursive === true,
  };
}
