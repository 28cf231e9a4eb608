import { changeItem } from '../../shared/change-item.ts';
import { firstSeq, type Act } from '../../shared/acts/acts.ts';
import { countsOf } from '../../shared/acts/consequences.ts';
import { formatUtc } from '../../shared/time.ts';
import type { Json, JsonObject } from '../../shared/types.ts';
import { list } from './json.ts';
import type { Gap } from './story.ts';

/** The story as a document: acts with their changes, and what followed, counted and by number. */
export function actList(acts: readonly Act[], gaps: readonly Gap[]): JsonObject {
  return { ...list('ActList', acts.map(actItem)), gaps: gaps.map(gapItem) };
}

function actItem(act: Act): Json {
  const { verb, actor, manager, kind, changes, consequences, behind } = act;
  return {
    ...{ id: firstSeq(act), verb, actor, manager, kind, behind },
    from: formatUtc(changes[0]?.at ?? 0),
    to: formatUtc(changes.at(-1)?.at ?? 0),
    changes: changes.map(changeItem),
    consequences: {
      counts: countsOf(act).map(({ type, fate, objects }) => ({ ...type, fate, objects })),
      changes: consequences.map(({ seq }) => seq),
    },
  } as unknown as Json;
}

function gapItem({ from, to, cause, found }: Gap): Json {
  return { from: formatUtc(from), to: to === null ? null : formatUtc(to), cause, found };
}
