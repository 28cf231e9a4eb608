import { qualifiedName } from '../../shared/resource-types.ts';
import { formatUtc } from '../../shared/time.ts';
import type { Change } from '../../shared/types.ts';
import type { Style } from './style.ts';
import { printable } from './text.ts';
import { changeWords } from './words.ts';

const HEADS = 'id,time,user,manager,operation,subresource,outcome,source,resource,namespace,name,uid,change'.split(',');

/** Changes as comma-separated values with a head (RFC 4180), for spreadsheets: nothing is shortened. */
export function csv(changes: readonly Change[], style: Style): string {
  const rows = changes.map((change) => [
    String(change.seq),
    formatUtc(change.at),
    change.actor?.username ?? '',
    change.manager,
    change.operation,
    change.subresource,
    change.outcome,
    change.source,
    qualifiedName(change.object),
    change.object.namespace,
    change.object.name,
    change.object.uid,
    changeWords(change, { width: null, lines: Number.POSITIVE_INFINITY }, style).join('; '),
  ]);
  return csvRows([HEADS, ...rows]);
}

/** Rows as RFC 4180 has them. */
export function csvRows(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

function field(raw: string): string {
  const text = printable(raw);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
