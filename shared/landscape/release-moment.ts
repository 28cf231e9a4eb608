import type { WorkloadReleases } from './releases.ts';
import { mentions } from './version-tuple.ts';

/**
 * The last moment (ms) at which most workloads of an application had a version, by label or image; null where none ever had. `end`: of
 * what was asked for.
 */
export function momentOf(version: string, workloads: readonly WorkloadReleases[], end: number): number | null {
  const spans = workloads.flatMap(({ object, intervals }) =>
    intervals.flatMap(({ from, to, version: tuple }) =>
      mentions(tuple, object.name, version) ? [{ from, to: to === null ? end : to - 1 }] : [],
    ),
  );
  let best: { count: number; at: number } | null = null;
  for (const { to } of spans) {
    const count = spans.filter((span) => span.from <= to && to <= span.to).length;
    if (best === null || count > best.count || (count === best.count && to > best.at)) best = { count, at: to };
  }
  return best?.at ?? null;
}

/** All versions that workloads had, by label, sorted. */
export function versionsIn(workloads: readonly WorkloadReleases[]): string[] {
  const all = workloads.flatMap(({ intervals }) => intervals.flatMap(({ version }) => version.version ?? []));
  return [...new Set(all)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}
