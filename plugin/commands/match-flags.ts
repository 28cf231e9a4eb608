import { Option, type Command } from 'commander';
import { KubeblameError } from '../../shared/errors.ts';
import { isGlob } from '../../shared/glob.ts';
import type { ChangeQuery } from '../../shared/types.ts';
import { expandUser } from '../views/user.ts';

/** The flags that pick changes by who made them and how, as commander gives them. Each may be given more than once. */
export interface MatchFlags {
  user?: string[];
  excludeUser?: string[];
  group?: string[];
  manager?: string[];
  operation?: string[];
}

/** What they ask for. */
export type Matches = Pick<ChangeQuery, 'users' | 'excludeUsers' | 'userGroups' | 'managers' | 'operations'>;

export function addMatchFlags(command: Command): void {
  command
    .option('--user <name>', 'changes by this user; may be repeated, and hold * (quoted), as those below', each)
    .option('--exclude-user <name>', "no changes by this user, such as 'system:*'", each)
    .option('--group <name>', 'changes by users in this group', each)
    .option('--manager <name>', 'changes through this field manager, such as helm', each)
    .addOption(
      new Option(
        '--operation <operation>',
        'create, update, delete or connect; update/scale for a subresource',
      ).argParser(each),
    );
}

/** For a flag that adds up. */
export function each(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

const OPERATIONS = ['create', 'update', 'delete', 'connect'];

/** Throws usage-invalid. */
export function readMatchFlags({ user, excludeUser, group, manager, operation }: MatchFlags): Matches {
  for (const text of operation ?? []) {
    const [name = ''] = text.toLowerCase().split('/');
    if (OPERATIONS.includes(name) || isGlob(name)) continue;
    throw new KubeblameError(
      'usage-invalid',
      `--operation: ${JSON.stringify(text)} is no operation`,
      `operations are ${OPERATIONS.join(', ')}; with a subresource update/scale`,
    );
  }
  return {
    ...(user === undefined ? {} : { users: user.map(expandUser) }),
    ...(excludeUser === undefined ? {} : { excludeUsers: excludeUser.map(expandUser) }),
    ...(group === undefined ? {} : { userGroups: group }),
    ...(manager === undefined ? {} : { managers: manager }),
    ...(operation === undefined ? {} : { operations: operation }),
  };
}

const MATCH_FLAGS: readonly [name: keyof MatchFlags, flag: string][] = [
  ['user', '--user'],
  ['excludeUser', '--exclude-user'],
  ['group', '--group'],
  ['manager', '--manager'],
  ['operation', '--operation'],
];

/** The first of these flags that was given, for a question that they mean nothing to. */
export function givenMatchFlag(flags: MatchFlags): string | undefined {
  return MATCH_FLAGS.find(([name]) => flags[name] !== undefined)?.[1];
}
