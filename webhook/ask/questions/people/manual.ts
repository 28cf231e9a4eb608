import { KubeblameError } from '../../../../shared/errors.ts';
import { manualReport } from '../../origins/by-hand/manual.ts';
import { occurred } from '../../../ledger/port/port.ts';
import type { Answer } from '../asked.ts';
import { membersAmong, membersIn, withinOf } from '../landscape/members.ts';
import { filterOf } from '../objects/page.ts';

export const manual: Answer<'manual'> = async (asked, { scope, since, until }) => {
  const { store, now } = asked;
  if (scope.labels !== undefined) throw new KubeblameError('query-invalid', 'changes by hand cannot be asked for by labels'); // prettier-ignore
  const members = await membersIn(asked, scope, since, until);
  const filter = {
    ...filterOf(scope),
    ...withinOf(members),
    ...(await occurred(store, since, until)),
  };
  return manualReport(store, filter, now(), async (rows) => (members === null ? rows : membersAmong(rows, members)));
};
