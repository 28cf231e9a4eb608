import { afterApply, withData } from '../../shared/applied.ts';
import { KubeblameError } from '../../shared/errors.ts';
import { differenceOf, impactOfDifference } from '../../shared/landscape/difference.ts';
import { factsOf } from '../../shared/landscape/facts.ts';
import { IMPACT_HOPS, impactOf } from '../../shared/landscape/impact.ts';
import { placesIn } from '../../shared/landscape/parts.ts';
import { resolve } from '../../shared/landscape/resolve.ts';
import type { ObjectFacts } from '../../shared/landscape/types.ts';
import { isWorkload } from '../../shared/landscape/units.ts';
import { metadataText } from '../../shared/normalise.ts';
import type { Change, JsonObject, LedgerReader, ObjectRef } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { dot, mermaid } from '../views/diagram.ts';
import { edgeTable, effectsText, impactTree } from '../views/impact-tree.ts';
import { document } from '../views/json.ts';
import { impactDocument, type ImpactAnswer } from '../views/landscape-json.ts';
import { isGuess } from '../views/node-name.ts';
import { objectTitle } from '../views/object-name.ts';
import { changeLine } from '../views/show.ts';
import { printable } from '../views/text.ts';
import { momentText } from '../views/times.ts';
import { depthOf, momentOf, namingOf, tellLimits, type LandscapeFlags } from './landscape.ts';
import { namespaceOf, readAll, typeOfObject } from './manifest.ts';
import { note, print, separated } from './notes.ts';
import { changesById } from './numbers.ts';
import { findIn, oneObject, tellDeletion } from './one-object.ts';
import { knownTypes, withTypeNames } from './types.ts';

export interface ImpactFlags extends LandscapeFlags {
  gone?: boolean;
  filename?: string[];
  recursive?: boolean;
}

interface Answer extends ImpactAnswer {
  title: string;
  denied?: string[];
}

/** `kubectl blame impact TYPE/NAME | ID | -f FILE`: what a change or loss, a recorded change, or a manifest reaches and breaks. */
export async function impact(
  words: readonly string[],
  flags: ImpactFlags,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  const hops = depthOf(flags, IMPACT_HOPS);
  const { filename = [], gone, at } = flags;
  const [word = ''] = words;
  const isId = words.length === 1 && /^\d+$/.test(word);
  if (words.length === 0 && filename.length === 0) throw new KubeblameError('usage-invalid', 'impact of what?', 'name TYPE/NAME, the ID of a change, or a manifest with -f'); // prettier-ignore
  if (words.length > 0 && filename.length > 0) throw clash('-f', printable(word));
  if (gone === true && (isId || filename.length > 0)) throw clash('--gone', isId ? 'an ID' : '-f');
  if (isId && at !== undefined) throw clash('--at', 'an ID');
  const named = withTypeNames(io, await knownTypes(reader));
  if (isId) await tell(await impactOfChange(word, flags, hops, reader, named), hops, flags, reader, named);
  else if (filename.length > 0) {
    const problems: KubeblameError[] = [];
    await tell(await impactOfManifests(flags, hops, problems, reader, named), hops, flags, reader, named);
    const [first] = problems;
    if (first !== undefined) throw first;
  } else await tell(await impactOfObject(words, flags, hops, reader, named), hops, flags, reader, named);
}

function clash(first: string, second: string): KubeblameError {
  return new KubeblameError('usage-invalid', `${first} and ${second} do not go together`, 'leave one of them out');
}

async function impactOfObject(
  words: readonly string[],
  flags: ImpactFlags,
  hops: number,
  reader: LedgerReader,
  io: Io,
): Promise<Answer> {
  // prettier-ignore
  const asked = await momentOf(flags, reader, io);
  const { named, io: own } = await oneObject(words, flags, reader, io);
  const answer = (blow: 'gone' | 'changed', at: number) => reader.impact({ scope: named.scope, at, blow, hops });
  let blow: 'gone' | 'changed' = flags.gone === true ? 'gone' : 'changed';
  let at = asked;
  let page = await answer(blow, at);
  const isSeen = page.starts.some((place) => page.nodes[place]?.is === 'object' && 'seen' in page.nodes[place] && page.nodes[place].seen); // prettier-ignore
  if (!isSeen) {
    blow = 'gone';
    const found = await findIn(named, at, true, reader, own);
    at = found.at;
    if (found.deletion !== null) tellDeletion(named, found.deletion, own);
    page = await answer(blow, at);
  }
  const { nodes, edges, starts, reached, beyond, denied } = page;
  const title = `${named.title} ${blow === 'gone' ? 'gone' : 'changed'}`;
  return { title, at, graph: { nodes, edges }, starts, reached, beyond, lost: [], gained: [], ...(denied === undefined ? {} : { denied }) }; // prettier-ignore
}

/** An object before and after; null where it does not exist. */
interface Replacement {
  object: ObjectRef;
  before: JsonObject | null;
  after: JsonObject | null;
}

async function impactOfChange(
  id: string,
  flags: ImpactFlags,
  hops: number,
  reader: LedgerReader,
  io: Io,
): Promise<Answer> {
  // prettier-ignore
  const [change] = await changesById([id], reader, flags.namespace);
  if (change === undefined) throw new RangeError('no change');
  const { object, before = null, after = null } = change;
  if (change.effect === 'none') {
    throw new KubeblameError(
      'usage-invalid',
      `change ${id} is ${actText(change)}: it changes no object`,
      'name a change that does',
    );
  }
  const { objects, denied } = await reader.facts({ at: change.at });
  const compared = compare(objects, [{ object, before, after }], hops);
  note(io, `change ${changeLine(change, io.style)}`);
  return { ...compared, title: objectTitle(object, io.style), at: change.at, ...(denied === undefined ? {} : { denied }) }; // prettier-ignore
}

function actText({ operation, subresource }: Change): string {
  return printable(`${operation.toLowerCase()}${subresource === '' ? '' : `/${subresource}`}`);
}

async function impactOfManifests(
  flags: ImpactFlags,
  hops: number,
  problems: KubeblameError[],
  reader: LedgerReader,
  io: Io,
): Promise<Answer> {
  // prettier-ignore
  const at = await momentOf(flags, reader, io);
  const { filename = [], recursive = false } = flags;
  const { objects, names } = await readAll({ lines: { filenames: filename, recursive } }, problems, io);
  const { objects: facts, denied } = await reader.facts({ at });
  const replaced: Replacement[] = [];
  for (const manifest of objects) {
    const type = await typeOfObject(manifest, reader, io);
    const asked = { cluster: flags, ...(flags.namespace === undefined ? {} : { namespace: flags.namespace }) };
    const namespace = namespaceOf(manifest, type, asked, io);
    const { group, resource, kind } = type;
    const name = metadataText(manifest, 'name');
    if (name === '') {
      note(io, `${printable(kind)} with a generated name: nobody depends on it yet`);
      continue;
    }
    const { blames } = await reader.blame({ scope: { type: { group, resource }, namespace, names: [name] }, at, limit: 1 }); // prettier-ignore
    const [blame] = blames;
    const ref = blame?.object ?? {
      group,
      resource,
      kind,
      namespace,
      name,
      uid: `new ${group}/${kind}/${namespace}/${name}`,
    };
    const after = blame === undefined ? inNamespace(withData(manifest), namespace) : afterApply(manifest, blame);
    if (after === null) note(io, `${objectTitle(ref, io.style)}: nothing changes`);
    else replaced.push({ object: ref, before: blame?.body ?? null, after });
  }
  const title = `${names} applied`;
  return { ...compare(facts, replaced, hops), title, at, ...(denied === undefined ? {} : { denied }) };
}

function inNamespace(body: JsonObject, namespace: string): JsonObject {
  const metadata = body.metadata as JsonObject;
  return namespace === '' ? body : { ...body, metadata: { ...metadata, namespace } };
}

/** What the graph of a moment loses and gains where some objects are others, and what that breaks. */
function compare(
  objects: readonly ObjectFacts[],
  replaced: readonly Replacement[],
  hops: number,
): Omit<Answer, 'title' | 'at'> {
  // prettier-ignore
  const around = withoutMembers(objects, new Set(replaced.map(({ object }) => object.uid)));
  const withBodies = (of: 'before' | 'after'): ObjectFacts[] => [
    ...around,
    ...replaced.flatMap(({ object, [of]: body }) => (body === null ? [] : [{ object, facts: factsOf(body) }])),
  ];
  const before = resolve(withBodies('before'));
  const difference = differenceOf(before, resolve(withBodies('after')));
  const { graph, lost, gained } = difference;
  const places = (wanted: readonly Replacement[]): number[] =>
    wanted.flatMap(({ object: { group, resource, namespace, name } }) => placesIn(graph, { type: { group, resource }, namespace, names: [name] })); // prettier-ignore
  const [deleted] = replaced.filter(({ after }) => after === null);
  if (deleted !== undefined) {
    // A deletion is told by what was there.
    const { group, resource, namespace, name } = deleted.object;
    const starts = placesIn(before, { type: { group, resource }, namespace, names: [name] });
    return { graph: before, starts, ...impactOf(before, starts, 'gone', hops), lost: [], gained: [] };
  }
  const starts = places(replaced);
  return { graph, starts, ...impactOfDifference(difference, starts, hops), lost, gained };
}

/** Without the objects themselves, and the ReplicaSets, Jobs and pods that they make anew. */
function withoutMembers(objects: readonly ObjectFacts[], replaced: ReadonlySet<string>): ObjectFacts[] {
  const gone = new Set(replaced);
  for (let size = -1; size !== gone.size;) {
    size = gone.size;
    for (const { object, facts } of objects) {
      const isMember = isWorkload({ is: 'object', object, seen: true });
      if (isMember && facts.controller !== undefined && gone.has(facts.controller)) gone.add(object.uid);
    }
  }
  return objects.filter(({ object }) => !gone.has(object.uid));
}

async function tell(answer: Answer, hops: number, flags: ImpactFlags, reader: LedgerReader, io: Io): Promise<void> {
  const { title, graph, starts, reached, beyond, lost, gained, at, denied } = answer;
  const { style } = io;
  const naming = await namingOf(graph, starts[0], { at, ...(denied === undefined ? {} : { denied }) }, reader, io);
  const hosts = reached.filter(({ node }) => graph.nodes[node]?.is === 'host').length;
  const objects = reached.filter(({ node }) => graph.nodes[node]?.is !== 'host');
  const parts = [title, effectsText(objects), hosts === 0 ? '' : `${hosts} exposed`, `as of ${momentText(at, style)}`];
  note(io, parts.filter((part) => part !== '').join(` ${style.dot} `));
  const format = flags.output ?? 'table';
  if (format === 'json' || format === 'yaml') io.out(document(impactDocument(answer), format));
  else if (format === 'dot' || format === 'mermaid') {
    const effects = new Map(reached.map(({ node, effect }) => [node, effect]));
    const links = reached.flatMap(({ node, via, edges }) => {
      const above = via === null ? (starts[0] ?? node) : (reached[via]?.node ?? node);
      return edges.map((edge) => ({ edge, below: node, above: via === null ? startOf(edge, answer, above) : above }));
    });
    const diagram = { title, links, starts, effects };
    io.out(format === 'dot' ? dot(diagram, naming) : mermaid(diagram, naming));
  } else {
    const tables = [edgeTable(lost, gained, naming), reached.length === 0 ? [] : impactTree(starts, reached, naming)];
    print(io, separated(tables.filter((lines) => lines.length > 0)));
  }
  if (reached.length === 0) note(io, 'nothing that was recorded depends on it');
  if (reached.some(isGuess)) note(io, '? inferred: somewhere on the way a value only looks like an address');
  if (beyond > 0) note(io, `${beyond} more ${beyond === 1 ? 'workload lies' : 'workloads lie'} behind these: --depth ${hops + 1}`); // prettier-ignore
  await tellLimits(at, denied, reader, io);
}

/** Which of the starts an edge is at. */
function startOf(place: number, { graph, starts }: Answer, fallback: number): number {
  const { from, to } = graph.edges[place] ?? {};
  return starts.find((start) => start === from || start === to) ?? fallback;
}
