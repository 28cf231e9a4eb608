import type { CoverageInterval } from '../../../shared/types.ts';
import { VERSION } from '../../../shared/version.ts';
import { intervals } from '../../ledger/port/intervals.ts';
import type { Answer, Asked } from './asked.ts';
import { membersIn } from './landscape/members.ts';
import { filterOf } from './objects/page.ts';

export const info: Answer<'info'> = async ({ store }) => {
  const [first, last] = [await store.first(), await store.last()];
  return {
    cluster: store.cluster,
    format: store.format,
    changes: last?.seq ?? 0,
    firstAt: first?.at ?? null,
    lastAt: last?.at ?? null,
    version: VERSION,
  };
};

export const resources: Answer<'resources'> = ({ store }) => store.resources();

export const objects: Answer<'objects'> = async (asked, { scope, limit }) => {
  const { store } = asked;
  const members = (await membersIn(asked, scope))?.found ?? null;
  const most = members === null ? limit : Number.MAX_SAFE_INTEGER;
  const listed = await store.objects(filterOf(scope), most);
  const found = listed.filter(({ uid }) => members?.has(uid) !== false).slice(0, limit);
  const told = await Promise.all(
    found.map(async ({ id, ...object }) => {
      const lifetime = await store.lifetime(id);
      return lifetime === null ? [] : [{ object, ...lifetime }];
    }),
  );
  return told.flat();
};

export async function coverage({ store, now }: Asked): Promise<CoverageInterval[]> {
  const last = await store.last();
  return intervals(await store.coverage(), last?.at ?? 0, now());
}
