import {
  differenceOf,
  type ApplicationDifference,
  type DifferenceOf,
} from '../../shared/landscape/release-difference.ts';
import type { WorkloadReleases } from '../../shared/landscape/releases.ts';
import { formatUtc } from '../../shared/time.ts';
import type { Json, JsonObject, LedgerReader } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { document } from '../views/json.ts';
import { byName, componentsTable, differenceLines, intervalAt } from '../views/release-difference.ts';
import { printable } from '../views/text.ts';
import { spanText } from '../views/times.ts';
import { note, print } from './notes.ts';

export type Comparison = DifferenceOf & { workloads: readonly WorkloadReleases[] };

/** What an application differs in between two moments. Resolves to the types that the reader may not read. */
export async function compareReleases(
  comparison: Comparison,
  output: 'table' | 'json' | 'yaml',
  reader: LedgerReader,
  io: Io,
): Promise<string[]> {
  const { application, from, to } = comparison;
  const found = await differenceOf(reader, comparison);
  if (output !== 'table') {
    io.out(document(differenceDocument(comparison, found), output));
    return found.denied;
  }
  note(io, [printable(application), spanText(from, to, io.style)].join(` ${io.style.dot} `));
  const components = componentsTable(comparison, io.style);
  const rest = differenceLines(found, io.style);
  print(io, components.length > 0 && rest.length > 0 ? [...components, '', ...rest] : [...components, ...rest]);
  if (rest.length === 0) note(io, 'no other field differs');
  const { controlled, generated } = found.folded;
  const parts = [
    ...(controlled === 0 ? [] : [`${controlled} ${controlled === 1 ? 'object' : 'objects'} that others control`]),
    ...(generated === 0 ? [] : [`${generated} with nothing but status and generated fields`]),
  ];
  if (parts.length > 0) note(io, `differ too, and are left out: ${parts.join(', ')}`);
  return found.denied;
}

function differenceDocument(
  { application, from, to, workloads }: Comparison,
  found: ApplicationDifference,
): JsonObject {
  // prettier-ignore
  const { objects, scaled, edges, exposed, permissions, folded } = found;
  const components = byName(workloads).flatMap(({ object, intervals }) => {
    const [before, after] = [intervalAt(intervals, from), intervalAt(intervals, to)];
    return before === null && after === null ? [] : [{ object, before: before?.version ?? null, after: after?.version ?? null }]; // prettier-ignore
  });
  const content = {
    application,
    from: formatUtc(from),
    to: formatUtc(to),
    components,
    objects,
    scaled,
    edges,
    exposed,
    permissions,
    folded,
  };
  return { apiVersion: 'kubeblame.io/v1alpha1', kind: 'ReleaseDifference', ...(content as unknown as Record<string, Json>) }; // prettier-ignore
}
