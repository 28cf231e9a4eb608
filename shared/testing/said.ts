import { factsOf } from '../landscape/facts.ts';
import { resolve } from '../landscape/resolve.ts';
import type { Graph, Reference, Target } from '../landscape/types.ts';
import { apiVersionOf, refOf } from '../normalise.ts';
import type { JsonObject } from '../types.ts';
import { nodeText } from './node-text.ts';

/** A body of a kind, in namespace `shop`. */
export function made(
  apiVersion: string,
  kind: string,
  name: string,
  rest: JsonObject = {},
  metadata: JsonObject = {},
): JsonObject {
  return {
    apiVersion,
    kind,
    metadata: { namespace: 'shop', name, uid: `uid of ${kind} ${name}`, ...metadata },
    ...rest,
  };
}

/** What a body refers to, a line each: `uses Secret shop/db #password ?optional at spec.volumes[...]`. */
export function said(body: JsonObject): string[] {
  return (factsOf(body).references ?? []).map(referenceText);
}

function referenceText({ relation, target, key, optional, field }: Reference): string {
  const more = `${key === undefined ? '' : ` #${key}`}${optional === true ? ' ?optional' : ''}`;
  return `${relation} ${targetText(target)}${more} at ${field}`;
}

function targetText(target: Target): string {
  switch (target.to) {
    case 'object':
    case 'owner':
      return `${target.kind}${target.group === '' ? '' : `.${target.group}`} ${target.namespace}/${target.name}`;
    case 'labelled': {
      const selector = target.selector.map(({ key, operator, values }) =>
        `${key} ${operator} ${values.join('|')}`.trim(),
      );
      return `${target.what} in ${target.namespaces?.join(',') ?? 'all'} with ${selector.join(', ') || 'anything'}`;
    }
    case 'claims':
      return `claims ${target.namespace}/${target.prefix}-N`;
    case 'kind':
      return `all ${target.kind}.${target.group}`;
    case 'mesh':
      return `mesh host ${target.host} from ${target.namespace}`;
    case 'export':
      return `exports of ${target.namespace}/${target.name}`;
    case 'subject':
      return `${target.kind} ${target.name}`;
    case 'host':
    case 'image':
      return `${target.to} ${target.name}`;
  }
}

/** The graph of some bodies. */
export function graphOf(...bodies: JsonObject[]): Graph {
  const objects = bodies.map((body) => {
    const kind = typeof body.kind === 'string' ? body.kind : '';
    const group = /^(.*)\//.exec(apiVersionOf(body))?.[1] ?? '';
    return { object: refOf(body, { group, resource: `${kind.toLowerCase()}s`, kind }), facts: factsOf(body) };
  });
  return resolve(objects);
}

/** The edges between some bodies, a line each: `service shop/web selects pod shop/web-1 selected`, with `!object` and the like behind. */
export function edgesBetween(...bodies: JsonObject[]): string[] {
  const { nodes, edges } = graphOf(...bodies);
  return edges.map(({ from, to, relation, certainty, missing }) => {
    const lacks = missing === undefined ? '' : ` !${missing}`;
    return `${nodeText(nodes[from])} ${relation} ${nodeText(nodes[to])} ${certainty}${lacks}`;
  });
}
