import { setImmediate as breathe } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { applicationsOf, type Applications } from '../../../../shared/landscape/applications.ts';
import { factsOf, isNode } from '../../../../shared/landscape/facts.ts';
import { impactOf } from '../../../../shared/landscape/impact.ts';
import { impactPart, placesIn } from '../../../../shared/landscape/parts.ts';
import { resolve } from '../../../../shared/landscape/resolve.ts';
import type { LandscapeRule } from '../../../../shared/landscape/rule-for.ts';
import { rulesFor } from '../../../../shared/landscape/recorded-rules.ts';
import type { Graph, ObjectFacts } from '../../../../shared/landscape/types.ts';
import type { ObjectRef } from '../../../../shared/types.ts';
import type { FactsAt, LedgerView } from '../../../ledger/port/port.ts';
import type { Answer, Asked } from '../asked.ts';
import { states } from '../objects/states.ts';

/** States that are read at once where the facts are not kept. */
const PAGE = 500;

export const graph: Answer<'graph'> = async (asked, { at }) => graphOf(await objectFacts(asked, at));

export const impact: Answer<'impact'> = async (asked, { scope, at, blow, hops }) => {
  const graph = graphOf(await objectFacts(asked, at));
  const starts = placesIn(graph, scope);
  return impactPart(graph, starts, impactOf(graph, starts, blow, hops));
};

/** Today's rules hold for all times, where not those of then are asked for: they are what is known now of what was then. */
export const applications: Answer<'applications'> = async (asked, { at, name, ...rules }) => {
  const applied = await rulesFor(rules, { at, now: asked.now() }, { states: (query) => states(asked, query) });
  const objects = await objectFacts(asked, at);
  const { applications, ...rest } = applicationsIn(objects, applied.rules);
  const told =
    name === undefined
      ? applications.map(({ members: _, ...application }) => application)
      : applications.filter((each) => each.name === name);
  return { applications: told, ...rest, rulesProblem: applied.problem };
};

export const facts: Answer<'facts'> = async (asked, { at }) => ({
  objects: (await objectFacts(asked, at)).map(({ object, facts }) => ({ object, facts })),
});

/** The facts of all objects that exist at a moment. */
export async function objectFacts(asked: Asked, at: number): Promise<ObjectFacts[]> {
  const seq = await asked.store.seqAt(at);
  const kept = await asked.store.facts(seq);
  if (kept === null) return derivedFacts(asked, at, seq);
  const known = EXISTING.get(kept) ?? existing(kept);
  EXISTING.set(kept, known);
  return known;
}

/** Of lists that may be given again, as a projection gives that of its last moment, those that exist. */
const EXISTING = new WeakMap<readonly FactsAt[], ObjectFacts[]>();

/** As isRefused() has it: an object that nothing confirmed does not exist beside another one of its name. They come in the order of names. */
function existing(kept: readonly FactsAt[]): ObjectFacts[] {
  return kept.filter(({ confirmed, object }, place) => {
    if (confirmed) return true;
    for (const step of [-1, 1]) {
      for (let at = place + step; ; at += step) {
        const other = kept[at];
        if (other === undefined || !isSameName(other.object, object)) break;
        if (other.confirmed) return false;
      }
    }
    return true;
  });
}

function isSameName(a: ObjectRef, b: ObjectRef): boolean {
  return a.name === b.name && a.namespace === b.namespace && a.resource === b.resource && a.group === b.group;
}

/**
 * Facts that were derived from states, of each store by the last change of their moment: one command asks for a moment several times. Not
 * for long: an outcome that is settled later tells otherwise.
 */
const DERIVED = new WeakMap<LedgerView, LRUCache<number, Promise<ObjectFacts[]>>>();

const DERIVED_MS = 2_000;

function derivedFacts(asked: Asked, at: number, seq: number): Promise<ObjectFacts[]> {
  const known = DERIVED.get(asked.store) ?? new LRUCache<number, Promise<ObjectFacts[]>>({ max: 16, ttl: DERIVED_MS });
  DERIVED.set(asked.store, known);
  const facts = known.get(seq) ?? factsOfStates(asked, at);
  known.set(seq, facts);
  facts.catch(() => known.delete(seq));
  return facts;
}

async function factsOfStates(asked: Asked, at: number): Promise<ObjectFacts[]> {
  const found: ObjectFacts[] = [];
  for (let next: string | null | undefined; next !== null;) {
    const token = next === undefined ? {} : { continue: next };
    const page = await states(asked, { scope: {}, at, limit: PAGE, ...token });
    for (const { object, body } of page.states) if (isNode(object)) found.push({ object, facts: factsOf(body) });
    next = page.next;
    await breathe();
  }
  return found;
}

/** Graphs of facts that may be given again. */
const GRAPHS = new WeakMap<readonly ObjectFacts[], Graph>();

export function graphOf(facts: readonly ObjectFacts[]): Graph {
  const graph = GRAPHS.get(facts) ?? resolve(facts);
  GRAPHS.set(facts, graph);
  return graph;
}

/** The same of applications, with the rules that they were told by. */
const APPLICATIONS = new WeakMap<readonly ObjectFacts[], { rules: string; told: Applications }>();

function applicationsIn(facts: readonly ObjectFacts[], rules: readonly LandscapeRule[]): Applications {
  const text = JSON.stringify(rules);
  const known = APPLICATIONS.get(facts);
  if (known?.rules === text) return known.told;
  const told = applicationsOf(facts, graphOf(facts), rules);
  APPLICATIONS.set(facts, { rules: text, told });
  return told;
}
