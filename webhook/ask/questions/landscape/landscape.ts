import { setImmediate as breathe } from 'node:timers/promises';
import { applicationsOf } from '../../../../shared/landscape/applications.ts';
import { factsOf, isNode } from '../../../../shared/landscape/facts.ts';
import { impactOf } from '../../../../shared/landscape/impact.ts';
import { impactPart, placesIn } from '../../../../shared/landscape/parts.ts';
import { resolve } from '../../../../shared/landscape/resolve.ts';
import { parseLandscapeRules } from '../../../../shared/landscape/rules.ts';
import type { Graph, ObjectFacts } from '../../../../shared/landscape/types.ts';
import type { ObjectRef } from '../../../../shared/types.ts';
import type { Answer, Asked } from '../asked.ts';
import { states } from '../objects/states.ts';
import { recordedRules } from './rules.ts';

/** States that are read at once where the facts are not kept. */
const PAGE = 500;

export const graph: Answer<'graph'> = async (asked, { at }) => graphOf(await objectFacts(asked, at));

export const impact: Answer<'impact'> = async (asked, { scope, at, blow, hops }) => {
  const graph = graphOf(await objectFacts(asked, at));
  const starts = placesIn(graph, scope);
  return impactPart(graph, starts, impactOf(graph, starts, blow, hops));
};

/** The rules of today hold for all times: they are what is known now of what was then. */
export const applications: Answer<'applications'> = async (asked, { at, name, rules }) => {
  const applied =
    rules === undefined
      ? await recordedRules(asked, asked.now())
      : { rules: parseLandscapeRules(rules, 'rules'), problem: '' };
  const objects = await objectFacts(asked, at);
  const { applications, ...rest } = applicationsOf(objects, graphOf(objects), applied.rules);
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
  const kept = await asked.store.facts(await asked.store.seqAt(at));
  if (kept === null) return factsOfStates(asked, at);
  if (kept.every(({ confirmed }) => confirmed)) return kept;
  // As isRefused() has it: an object that nothing confirmed does not exist beside another one of its name.
  const taken = new Set(kept.flatMap(({ confirmed, object }) => (confirmed ? [nameOf(object)] : [])));
  return kept.filter(({ confirmed, object }) => confirmed || !taken.has(nameOf(object)));
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

function nameOf({ group, resource, namespace, name }: ObjectRef): string {
  return `${group}/${resource}/${namespace}/${name}`;
}

/** Graphs of facts that may be given again, as a projection gives those of its last moment. */
const GRAPHS = new WeakMap<readonly ObjectFacts[], Graph>();

function graphOf(facts: readonly ObjectFacts[]): Graph {
  const graph = GRAPHS.get(facts) ?? resolve(facts);
  GRAPHS.set(facts, graph);
  return graph;
}
