import { matchesGlob } from '../glob.ts';
import { repositoryName, toolOf } from './tools.ts';
import type { OriginSource } from './types.ts';

/** Names the tool behind changes that nothing else tells. All conditions must hold; they are patterns with * and ?. */
export interface ToolRule {
  where: { manager?: string; user?: string };
  tool: string;
  /** Where in its file it stands, from 1. */
  line: number;
}

/** Says where a revision can be looked at. `repository`: a pattern for what repositoryName() gives, such as `shop/deploy`. */
export interface RevisionRule {
  where: { repository?: string };
  /** A URL with {revision}, and where wanted {repo} and {path}. */
  revision: string;
  line: number;
}

/** What may stand in the URL of a RevisionRule. */
export const REVISION_PARTS = ['repo', 'revision', 'path'] as const;

/** The tool that made a change: one that is known (toolOf), or the first that a rule names; null where it is none. */
export function toolByRules(change: Parameters<typeof toolOf>[0], rules: readonly ToolRule[]): string | null {
  const known = toolOf(change);
  if (known !== null || change.actor === null) return known;
  const { manager, actor } = change;
  const rule = rules.find(
    ({ where }) =>
      (where.manager === undefined || matchesGlob(where.manager, manager)) &&
      (where.user === undefined || matchesGlob(where.user, actor.username)),
  );
  return rule?.tool ?? null;
}

/** Where a source can be looked at, by the first rule for its repository; '' where there is none, or no revision is known. */
export function revisionUrl(
  { repository, revision, path, chart }: Omit<OriginSource, 'url'>,
  rules: readonly RevisionRule[],
): string {
  const repo = repositoryName(repository);
  const rule = rules.find(({ where }) => where.repository === undefined || matchesGlob(where.repository, repo));
  // A chart has a version, and no commit.
  if (rule === undefined || revision === '' || chart !== '') return '';
  const parts = { repo, revision, path };
  if (rule.revision.includes('{repo}') && repo === '') return '';
  const escaped = (text: string): string => text.split('/').map(encodeURIComponent).join('/');
  return rule.revision.replace(/\{(repo|revision|path)\}/g, (_, name: keyof typeof parts) => escaped(parts[name]));
}
