import type { Change } from '../../shared/types.ts';
import type { Style } from './style.ts';
import { printable } from './text.ts';

/** The suffixes of operations that nothing has confirmed, or that never happened; explained by `marksLegend`. */
export const MARKS = { pending: '~', unverified: '?', dropped: '!', committed: '' } as const;

/** `update/scale~` */
export function operationText({ operation, subresource, source, outcome }: Change): string {
  const name = source === 'baseline' ? 'baseline' : operation.toLowerCase();
  return `${name}${subresource === '' ? '' : `/${printable(subresource)}`}${MARKS[outcome]}`;
}

/** What the marks in a table mean; only those that occur. */
export function marksLegend(changes: readonly Pick<Change, 'outcome'>[]): string[] {
  const outcomes = new Set(changes.map(({ outcome }) => outcome));
  return [
    ...(outcomes.has('pending') ? ['~ admitted just now: not known yet to be persisted'] : []),
    ...(outcomes.has('unverified') ? ['? admitted; nothing has shown whether it was persisted'] : []),
    ...(outcomes.has('dropped') ? ['! an attempt that was never persisted'] : []),
  ];
}

/** Coloured by what it does: what comes is green, what goes is red. */
export function paintOperation(change: Change, style: Style): string {
  const text = operationText(change);
  const { chalk } = style;
  if (change.outcome === 'dropped' || change.operation === 'DELETE') return chalk.red(text);
  return change.effect === 'created' ? chalk.green(text) : text;
}
