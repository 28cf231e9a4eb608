import { setImmediate as breathe } from 'node:timers/promises';
import { applicationsOf } from '../../../shared/landscape/applications.ts';
import { factsOf, isNode } from '../../../shared/landscape/facts.ts';
import { impactOf } from '../../../shared/landscape/impact.ts';
import { impactPart, placesIn } from '../../../shared/landscape/parts.ts';
import { resolve } from '../../../shared/landscape/resolve.ts';
import { parseLandscapeRules } from '../../../shared/landscape/rules.ts';
import type { Graph, ObjectFacts } from '../../../shared/landscape/types.ts';
import type {
  ApplicationPage,
  ApplicationQuery,
  GraphPage,
  ImpactPage,
  ImpactQuery,
  LedgerReader,
  ObjectRef,
} from '../../../shared/types.ts';
import type { LedgerView } from '../../ledger/port/port.ts';
import { recordedRules } from './landscape-rules.ts';

/** Objects that are fetched at once. */
const PAGE = 500;

/** Answers what a reader is asked about the landscape. `now` tells the present (ms). */
export class LandscapeQuestions {
  constructor(
    private readonly reader: Pick<LedgerReader, 'states'>,
    private readonly store: Pick<LedgerView, 'seqAt' | 'facts'>,
    private readonly now: () => number,
  ) {}

  async graph(at: number): Promise<GraphPage> {
    return graphOf(await this.objectFacts(at));
  }

  async impact({ scope, at, blow, hops }: ImpactQuery): Promise<ImpactPage> {
    const graph = graphOf(await this.objectFacts(at));
    const starts = placesIn(graph, scope);
    return impactPart(graph, starts, impactOf(graph, starts, blow, hops));
  }

  /** The rules of today hold for all times: they are what is known now of what was then. */
  async applications({ at, name, rules }: ApplicationQuery): Promise<ApplicationPage> {
    const applied = rules === undefined ? await recordedRules(this.reader, this.now()) : { rules: parseLandscapeRules(rules, 'rules'), problem: '' }; // prettier-ignore
    const objects = await this.objectFacts(at);
    const { applications, ...rest } = applicationsOf(objects, graphOf(objects), applied.rules);
    const told = name === undefined ? applications.map(({ members: _, ...application }) => application) : applications.filter((each) => each.name === name); // prettier-ignore
    return { applications: told, ...rest, rulesProblem: applied.problem };
  }

  /** The facts of all objects that exist at a moment. */
  async objectFacts(at: number): Promise<ObjectFacts[]> {
    const seq = await this.store.seqAt(at);
    const kept = await this.store.facts(seq);
    if (kept === null) return this.factsOfStates(at);
    if (kept.every(({ confirmed }) => confirmed)) return kept;
    // As isRefused() has it: an object that nothing confirmed does not exist beside another one of its name.
    const taken = new Set(kept.flatMap(({ confirmed, object }) => (confirmed ? [nameOf(object)] : [])));
    return kept.filter(({ confirmed, object }) => confirmed || !taken.has(nameOf(object)));
  }

  private async factsOfStates(at: number): Promise<ObjectFacts[]> {
    const found: ObjectFacts[] = [];
    for (let next: string | null | undefined; next !== null;) {
      const token = next === undefined ? {} : { continue: next };
      const page = await this.reader.states({ scope: {}, at, limit: PAGE, ...token });
      for (const { object, body } of page.states) if (isNode(object)) found.push({ object, facts: factsOf(body) });
      next = page.next;
      await breathe();
    }
    return found;
  }
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
