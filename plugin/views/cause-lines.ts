import type { Change } from '../../shared/types.ts';
import { objectTitle } from './object-name.ts';
import type { Style } from './style.ts';
import { printable } from './text.ts';
import { paintWho, whoText } from './who.ts';

/**
 * The chain of changes that led to one, nearest first, a line for each and under it the evidence:
 * `← change 508 · replicaset shop/web-f8446f98c · deployment-controller`. None where the record tells of none.
 */
export function causeLines({ causes = [] }: Pick<Change, 'causes'>, style: Style): string[] {
  const { chalk, dot, from } = style;
  return causes.flatMap(({ seq, object, actor, certain, why }) => {
    const who = actor === null ? chalk.dim('nobody through us') : paintWho(whoText(actor, style), actor, style);
    const parts = [chalk.yellow(`change ${seq}`), objectTitle(object, style), who];
    return [`${from} ${certain ? '' : 'likely '}${parts.join(` ${dot} `)}`, chalk.dim(`  ${printable(why)}`)];
  });
}
