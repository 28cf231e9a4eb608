import { KubeblameError } from '../../shared/errors.ts';
import type { Graph, GraphNode } from '../../shared/landscape/types.ts';
import { qualifiedName } from '../../shared/resource-types.ts';
import { parseTime } from '../../shared/time.ts';
import type { LedgerReader } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import type { ClusterFlags } from '../kubeconfig.ts';
import type { Naming } from '../views/node-name.ts';
import { requireRecorded } from './blame.ts';
import { withMoments } from './moments.ts';
import { note, tellDenied, tellGaps } from './notes.ts';

/** The flags that tree and impact share. */
export interface LandscapeFlags extends ClusterFlags {
  namespace?: string;
  at?: string;
  depth?: number;
  output?: 'table' | 'wide' | 'json' | 'yaml' | 'dot' | 'mermaid';
}

/** The moment of a question, in ms. Rejects with time-invalid or time-uncovered. */
export async function momentOf(flags: LandscapeFlags, reader: LedgerReader, io: Io): Promise<number> {
  const { at } = await withMoments(flags.at === undefined ? {} : { at: flags.at }, reader, io);
  const moment = at === undefined ? io.now : parseTime(at, io.now, io.style.timeZone);
  await requireRecorded(moment, reader, io);
  return moment;
}

/** More would be most of the cluster. */
const MAX_DEPTH = 20;

export function depthOf({ depth }: LandscapeFlags, fallback: number): number {
  if (depth !== undefined && depth > MAX_DEPTH) {
    throw new KubeblameError('usage-invalid', `--depth may be at most ${MAX_DEPTH}`);
  }
  return depth ?? fallback;
}

/** How an answer calls things; what is not seen is told to be absent only where recording worked and the reader may look. */
export async function namingOf(
  graph: Graph,
  start: number | undefined,
  asked: { at: number; denied?: readonly string[] },
  reader: LedgerReader,
  io: Io,
): Promise<Naming> {
  const coverage = await reader.coverage();
  const covered = coverage.some(
    ({ from, to, covered: is }) => is && from <= asked.at && (to === null || asked.at <= to),
  );
  const node = start === undefined ? undefined : graph.nodes[start];
  const home = node?.is === 'object' ? node.object.namespace : '';
  const isAbsent = ({ object }: GraphNode & { is: 'object' }): boolean =>
    covered && !(asked.denied ?? []).includes(qualifiedName(object));
  return { graph, home, isAbsent, style: io.style };
}

/** What such an answer can not tell. */
export async function tellLimits(
  at: number,
  denied: readonly string[] | undefined,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  tellDenied(new Set(denied ?? []), io);
  await tellGaps(at, at, reader, io);
  note(io, 'this is wiring as recorded, not traffic; values of Secrets were not looked into');
}
