import { actsOf, firstSeq, startOf, type Act } from '../../shared/acts/acts.ts';
import { factsOf, isNode, readsStatus } from '../../shared/landscape/facts.ts';
import { rulesFor } from '../../shared/landscape/recorded-rules.ts';
import { isMachine } from '../../shared/machines.ts';
import type { Change, ChangeQuery, LedgerReader, ObjectRef } from '../../shared/types.ts';
import { deedText } from '../views/deed.ts';
import { createStyle, type Style } from '../views/style.ts';
import { changeWho, wholeWho } from '../views/who.ts';
import { changeWords } from '../views/words.ts';
import type { ActLine, ChangesOfWindow, Row, Snapshot, Turn, WhoKind } from './wire.ts';

/** As in a pipe: nothing is cut to a width, and there are no colours. */
export const PLAIN: Style = createStyle({ columns: null, colour: 0, unicode: true, timeZone: 'UTC' });

/** Changes fetched at once: as many as a question answers. */
export const PAGE = 1000;
/** Columns of the words of a change, and of an act. */
const WORDS = 140;

/** What exists at a moment (ms; the present where it is null), with all that tells whether that is all. */
export async function snapshotOf(reader: LedgerReader, moment: number | null, now: number): Promise<Snapshot> {
  const [info, coverage] = [await reader.info(), await reader.coverage()];
  const at = moment ?? now;
  const { rules, problem } = await rulesFor({}, { at, now }, reader);
  const { objects, denied = [] } = await reader.facts({ at });
  return { info, coverage, now, at, rules, rulesProblem: problem, objects, denied };
}

/** A page of what happened, with the facts that each change leaves behind. */
export async function changesOfWindow(
  reader: LedgerReader,
  query: Omit<ChangeQuery, 'scope'>,
): Promise<ChangesOfWindow> {
  // Some facts depend on status, so changes of nothing else are read too, and told only where facts change.
  const page = await reader.changes({ scope: {}, ...query, limit: query.limit, bodies: true, causes: true, status: true }); // prettier-ignore
  const objects: ObjectRef[] = [];
  const places = new Map<string, number>();
  const placeOf = (object: ObjectRef): number => {
    const key = `${object.uid}\n${object.group}/${object.resource}/${object.namespace}/${object.name}`;
    const place = places.get(key) ?? objects.push(object) - 1;
    places.set(key, place);
    return place;
  };
  const told = page.changes.filter(({ statusOnly }) => !statusOnly);
  return {
    rows: told.map((change) => rowOf(change, placeOf(change.object))),
    turns: page.changes.flatMap((change) => turnOf(change, placeOf) ?? []),
    acts: actsOf(told).map(actLine),
    objects,
    next: page.next,
    denied: page.denied ?? [],
  };
}

function rowOf(change: Change, object: number): Row {
  const { seq, at, effect } = change;
  const [text = ''] = changeWords(change, { width: WORDS, lines: 1 }, PLAIN);
  return { seq, at, object, effect, text, who: changeWho(change, PLAIN), kind: whoKind(change) };
}

export function whoKind({ actor }: Pick<Change, 'actor'>): WhoKind {
  return actor === null ? 'nobody' : isMachine(actor.username) ? 'robot' : 'person';
}

function turnOf(change: Change, placeOf: (object: ObjectRef) => number): Turn | null {
  const { seq, at, object, effect, statusOnly, before, after } = change;
  if (effect === 'none' || !isNode(object) || (statusOnly && !readsStatus(object))) return null;
  const [was, is] = [before, after].map((body) => (body == null ? null : factsOf(body)));
  if (was === undefined || is === undefined || JSON.stringify(was) === JSON.stringify(is)) return null;
  return { seq, at, object: placeOf(object), before: was, after: is };
}

export function actLine(act: Act): ActLine {
  const { changes, consequences, kind } = act;
  const [first] = changes;
  return {
    id: firstSeq(act),
    at: startOf(act),
    who: first === undefined ? '-' : wholeWho(first, PLAIN),
    kind,
    text: deedText(act, { width: null, namespaced: false }, PLAIN),
    changes: changes.map(({ seq }) => seq),
    followed: consequences.map(({ seq }) => seq),
  };
}
