import { KubeblameError } from '../../shared/errors.ts';
import { momentOf, versionsIn } from '../../shared/landscape/release-moment.ts';
import { releasesOf, type WorkloadReleases } from '../../shared/landscape/releases.ts';
import { has } from '../../shared/landscape/version-tuple.ts';
import { formatUtc } from '../../shared/time.ts';
import type { Json, JsonObject, LedgerReader } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { document, list } from '../views/json.ts';
import { contradictionLines, releasesTable } from '../views/releases-table.ts';
import { printable } from '../views/text.ts';
import { spanText } from '../views/times.ts';
import { unknownBelonging } from './belonging.ts';
import { momentOfFlag, requireCovered, type LandscapeFlags } from './landscape-flags.ts';
import { withMoments } from './moments.ts';
import { note, print, tellDenied, tellPartial } from './notes.ts';
import { compareReleases } from './release-difference.ts';
import { readRules } from './rules-flags.ts';
import { knownTypes, withTypeNames } from './types.ts';

export interface ReleasesFlags extends LandscapeFlags {
  from?: string;
  to?: string;
}

/** `kubectl blame releases APP [VERSION | A..B]`: which versions ran when; what two of them, or two moments, differ in. */
export async function releases(
  application: string,
  wanted: string | undefined,
  flags: ReleasesFlags,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  const pair = wanted === undefined ? null : pairOf(wanted);
  check(flags, wanted);
  const moments = await withMoments(flags, reader, io, [`app/${application}`]);
  const end = momentOfFlag(moments.at ?? moments.to, io);
  const start = moments.from === undefined ? null : momentOfFlag(moments.from, io);
  if (start !== null && start > end) throw new KubeblameError('usage-invalid', '--from lies after --to', 'exchange them'); // prettier-ignore
  const rules = await readRules(flags, io);
  await requireCovered(start ?? end, reader);
  const from = start ?? (await reader.info()).firstAt ?? end;
  io.progress?.('releases');
  const found = await releasesOf(reader, { application, from, to: end, rules, now: io.now });
  if (found.workloads.length === 0) {
    const known = await reader.applications({ at: end, ...rules });
    throw unknownBelonging('application', application, known.applications.map(({ name }) => name)); // prettier-ignore
  }
  const named = withTypeNames(io, await knownTypes(reader));
  const { output = 'table' } = flags;
  if (pair !== null || start !== null) {
    const [first, second] = pair === null ? [from, end] : momentsOf(pair, application, found.workloads, end);
    const asked = { application, from: first, to: second, workloads: found.workloads, rules }; // prettier-ignore
    for (const type of await compareReleases(asked, output, reader, named)) if (!found.denied.includes(type)) found.denied.push(type); // prettier-ignore
  } else {
    const shown = wanted === undefined ? found.workloads : onlyVersion(found.workloads, wanted);
    const title = [`releases of ${printable(application)}`, ...(wanted === undefined ? [] : [printable(wanted)])];
    note(io, [...title, spanText(from, end, io.style)].join(` ${io.style.dot} `));
    if (output !== 'table') io.out(document(releaseList(shown), output));
    else {
      if (shown.length > 0) print(io, releasesTable(shown, end === io.now, named.style));
      for (const line of contradictionLines(shown, named.style)) note(io, line);
    }
    if (shown.length === 0) note(io, `no workload had it; versions by label: ${versionsIn(found.workloads).join(', ') || 'none'}`); // prettier-ignore
  }
  tellDenied(new Set(found.denied), io);
  await tellPartial(from, end, reader, io);
}

/** `24.2..24.3`; null for one version. */
function pairOf(text: string): [string, string] | null {
  if (!text.includes('..')) return null;
  const [first = '', second = '', ...more] = text.split('..');
  if (first !== '' && second !== '' && more.length === 0) return [first, second];
  throw new KubeblameError('usage-invalid', `${JSON.stringify(text)} names no two versions`, 'write it as 24.2..24.3'); // prettier-ignore
}

function check(flags: ReleasesFlags, wanted: string | undefined): void {
  const clash = (a: string, b: string): never => {
    throw new KubeblameError('usage-invalid', `${a} and ${b} do not go together`, 'leave one of them out');
  };
  if (flags.to !== undefined && flags.from === undefined) throw new KubeblameError('usage-invalid', '--to needs --from', 'name both moments'); // prettier-ignore
  if (flags.from !== undefined && flags.at !== undefined) clash('--at', '--from');
  if (flags.from !== undefined && wanted !== undefined) clash('a version', '--from');
}

/** Of the second version the last moment at which most had it; of the first the last before that, where there is one. */
function momentsOf(
  [a, b]: [string, string],
  application: string,
  workloads: readonly WorkloadReleases[],
  end: number,
): [number, number] {
  // prettier-ignore
  const second = requireMoment(b, application, workloads, end);
  return [momentOf(a, workloads, second - 1) ?? requireMoment(a, application, workloads, end), second];
}

function requireMoment(
  version: string,
  application: string,
  workloads: readonly WorkloadReleases[],
  end: number,
): number {
  // prettier-ignore
  const at = momentOf(version, workloads, end);
  if (at !== null) return at;
  throw new KubeblameError('name-unknown', `${application} never had the version ${JSON.stringify(version)}`, `versions by label: ${versionsIn(workloads).join(', ') || 'none'}`); // prettier-ignore
}

function onlyVersion(workloads: readonly WorkloadReleases[], version: string): WorkloadReleases[] {
  return workloads.flatMap(({ object, intervals }) => {
    const had = intervals.filter(({ version: tuple }) => has(tuple, object.name, version) > 0);
    return had.length === 0 ? [] : [{ object, intervals: had }];
  });
}

function releaseList(workloads: readonly WorkloadReleases[]): JsonObject {
  const items = workloads.map(({ object, intervals }) => ({
    object,
    intervals: intervals.map(({ from, to, by, ...rest }) => ({
      ...rest,
      from: formatUtc(from),
      to: to === null ? null : formatUtc(to),
      by: by === null ? null : { ...by, at: formatUtc(by.at) },
    })),
  }));
  return list('ReleaseList', items as unknown as Json[]);
}
