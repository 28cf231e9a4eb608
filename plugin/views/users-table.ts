import type { UserSummary } from '../../shared/types.ts';
import { widest } from './fit.ts';
import type { Style } from './style.ts';
import { GAP, tableLines } from './table.ts';
import { printable, shortenEnd, shortenMiddle, widthOf } from './text.ts';
import { timeFormat } from './times.ts';
import { userText } from './who.ts';
import { isMachine } from './user.ts';

const MAX_USER = 40;
const MIN_USER = 16;
/** Columns that are left for what a user changed, and what stands before it. */
const RESOURCES = 52;

/** Who changed something: how often, when last, and what. */
export function usersTable(users: readonly UserSummary[], style: Style): string[] {
  const time = timeFormat(
    users.map(({ lastAt }) => lastAt),
    style,
  );
  const heads = ['USER', 'CHANGES', 'LAST SEEN', 'RESOURCES'];
  const { columns, ellipsis, chalk } = style;
  const room = Math.max(MIN_USER, Math.min(MAX_USER, (columns ?? 0) - RESOURCES));
  const rows = users.map(({ username, changes, disputed = 0, lastAt, resources }) => [
    columns === null ? printable(username) : shortenMiddle(userText(username, style), room, ellipsis),
    disputed === 0 ? String(changes) : `${changes} (${disputed} disputed)`,
    time(lastAt),
    resources.map((type) => `${type.changes} ${printable(style.typeName(type))}`).join(', '),
  ]);
  if (columns === null) return tableLines(heads, rows, style);
  const used = [0, 1, 2].reduce(
    (sum, column) => sum + GAP + widest([heads, ...rows].map((row) => widthOf(row[column] ?? ''))),
    0,
  );
  const painted = rows.map(([user = '', changes = '', last = '', resources = ''], index) => [
    isMachine(users[index]?.username ?? '') ? chalk.dim(user) : chalk.cyan(user),
    changes,
    last,
    shortenEnd(resources, Math.max(8, columns - used), ellipsis),
  ]);
  return tableLines(heads, painted, style);
}
