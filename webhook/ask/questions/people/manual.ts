import { KubeblameError } from '../../../../shared/errors.ts';
import { manualReport } from '../../origins/by-hand/manual.ts';
import type { Answer } from '../asked.ts';
import { filterOf } from '../objects/page.ts';

export const manual: Answer<'manual'> = async ({ store, now }, { scope, since, until }) => {
  if (scope.labels !== undefined) throw new KubeblameError('query-invalid', 'changes by hand cannot be asked for by labels'); // prettier-ignore
  const filter = {
    ...filterOf(scope),
    ...(since === undefined ? {} : { minSeq: (await store.seqAt(since - 1)) + 1 }),
    ...(until === undefined ? {} : { maxSeq: await store.seqAt(until) }),
  };
  return manualReport(store, filter, now());
};
