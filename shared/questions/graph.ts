import type { Impact } from '../landscape/impact.ts';
import type { Graph, ObjectFacts } from '../landscape/types.ts';
import { choice, codec, fail, integerFrom, moment, type Query } from './parameters.ts';
import type { Question, Reads } from './question.ts';
import { scope, type Denied } from './scope.ts';

/** More would be most of the cluster. */
const MAX_HOPS = 20;

/** What depends on what is of all types. */
const ALL_TYPES: Reads<unknown, unknown> = { of: 'objects', scope: () => ({ scope: {} }), denied: 'objects' };

const GRAPH_PARAMETERS = { at: moment('at', 'The time.') };
export type GraphQuery = Query<typeof GRAPH_PARAMETERS>;

/** The dependency graph at a moment, of what the reader may read. */
export interface GraphPage extends Graph {
  denied?: Denied;
}

/** Who made an edge, shared/landscape/made-by.ts tells. */
export const graph: Question<GraphQuery, GraphPage> = {
  about: 'What depends on what at a time',
  codec: codec(GRAPH_PARAMETERS),
  reads: ALL_TYPES,
};

/** What the bodies of all objects said at a moment, of those that the reader may read: what a graph is resolved from. */
export interface FactsPage {
  objects: ObjectFacts[];
  denied?: Denied;
}

/** For graphs that differ from the recorded one, such as with a manifest that is not applied yet. */
export const facts: Question<GraphQuery, FactsPage> = {
  about: 'What the bodies of all objects say of others at a time: the graph is made of it',
  codec: codec(GRAPH_PARAMETERS),
  reads: ALL_TYPES,
};

const IMPACT_PARAMETERS = {
  /** What is lost or changed: objects that exist then, or that others speak of. Labels are not asked for. */
  scope,
  at: moment('at', 'The time.'),
  blow: choice('blow', ['gone', 'changed'], 'changed', 'What happens to the objects.'),
  hops: integerFrom(1, MAX_HOPS, 'hops', 'How many workloads, one behind the other, are gone through; 3 unless given.'),
};
export type ImpactQuery = Query<typeof IMPACT_PARAMETERS>;

/** What an impact reaches, and of the graph the part that says so: `starts`, entries and edges are of that part. */
export interface ImpactPage extends Graph, Impact {
  /** Places in the nodes: what the question is about; none where nothing is called so. */
  starts: number[];
  denied?: Denied;
}

/** As states are, what the question is about is named, whether it exists or not. */
export const impact: Question<ImpactQuery, ImpactPage> = {
  about: 'What is reached where objects are changed, or gone; `labels` cannot be given',
  codec: codec(IMPACT_PARAMETERS, ({ scope: { labels } }) => {
    if (labels !== undefined) fail('labels', 'is not asked for here');
  }),
  reads: ALL_TYPES,
};
