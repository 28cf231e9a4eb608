import { KubeblameError } from '../../shared/errors.ts';
import { releasesOf, type ReleaseInterval, type WorkloadReleases } from '../../shared/landscape/releases.ts';
import { versionsIn } from '../../shared/landscape/release-moment.ts';
import { has } from '../../shared/landscape/version-tuple.ts';
import type { LedgerReader } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { printable } from '../views/text.ts';
import { readBelongings } from './belonging.ts';

const LAST = /^(?:the +)?last +release$/i;
const VERSION = /^(?<before>before +)?(?:release +)?(?<version>v?\d+(?:\.\d+)+[\w.+-]*)$/i;

/** Applications whose releases are looked through where none is named. */
const MAX_APPLICATIONS = 100;

/** A time that only releases tell: `last release`, `24.4`, `before 24.4`. */
export interface ReleaseTime {
  /** null for the last one. */
  version: string | null;
  before: boolean;
}

/** Reads `last release`, `24.4` (its first workload), or `before 24.4`; null for any other text. */
export function readReleaseTime(text: string): ReleaseTime | null {
  if (LAST.test(text.trim())) return { version: null, before: false };
  const groups = VERSION.exec(text.trim())?.groups;
  return groups === undefined ? null : { version: groups.version ?? '', before: groups.before !== undefined };
}

/**
 * When a release began (ms): of the applications that `words` name, or of any. Rejects with name-unknown where no workload ever had it.
 */
export async function momentOfRelease(
  { version, before }: ReleaseTime,
  words: readonly string[],
  reader: LedgerReader,
  io: Io,
): Promise<number> {
  io.progress?.('releases');
  const workloads: WorkloadReleases[] = [];
  const from = (await reader.info()).firstAt ?? io.now;
  for (const application of await applicationsIn(words, reader, io)) {
    const found = await releasesOf(reader, { application, from, to: io.now, rules: {}, now: io.now });
    workloads.push(...found.workloads);
  }
  const begun = workloads.flatMap(({ object, intervals }) => begunIn(intervals, object.name, version));
  if (begun.length > 0) return version === null ? Math.max(...begun) : Math.min(...begun) - (before ? 1 : 0);
  if (version === null) throw new KubeblameError('name-unknown', 'no release began since recording began');
  const known = versionsIn(workloads).join(', ') || 'none';
  throw new KubeblameError('name-unknown', `nothing ever had the version ${JSON.stringify(printable(version))}`, `versions by label: ${known}`); // prettier-ignore
}

/** When the intervals of a version began; those of any version that somebody brought. */
function begunIn(intervals: readonly ReleaseInterval[], name: string, version: string | null): number[] {
  return intervals
    .filter((interval) => (version === null ? interval.by !== null : has(interval.version, name, version) > 0))
    .map((interval) => interval.from);
}

async function applicationsIn(words: readonly string[], reader: LedgerReader, io: Io): Promise<readonly string[]> {
  const named = readBelongings(words);
  if (named?.what === 'application') return named.names;
  const { applications } = await reader.applications({ at: io.now });
  if (applications.length <= MAX_APPLICATIONS) return applications.map(({ name }) => name);
  throw new KubeblameError('usage-invalid', `there are ${applications.length} applications: whose release is meant?`, 'name one: app/NAME'); // prettier-ignore
}
