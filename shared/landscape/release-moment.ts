import type { WorkloadReleases } from './releases.ts';
import { has } from './version-tuple.ts';

/**
 * The last moment (ms) at which an application had a version as wholly as it ever had: most of its workloads, by label and image. null
 * where none ever had it. Nothing after `end` counts.
 */
export function momentOf(version: string, workloads: readonly WorkloadReleases[], end: number): number | null {
  const spans = workloads.flatMap(({ object, intervals }) =>
    intervals.flatMap(({ from, to, version: tuple }) => {
      const weight = has(tuple, object.name, version);
      return weight === 0 || from > end ? [] : [{ from, to: Math.min(end, to === null ? end : to - 1), weight }];
    }),
  );
  let best: { weight: number; at: number } | null = null;
  for (const { to } of spans) {
    const there = spans.filter((span) => span.from <= to && to <= span.to);
    const weight = there.reduce((sum, span) => sum + span.weight, 0);
    if (best === null || weight > best.weight || (weight === best.weight && to > best.at)) best = { weight, at: to };
  }
  return best?.at ?? null;
}

/** All versions that workloads had, by label, sorted. */
export function versionsIn(workloads: readonly WorkloadReleases[]): string[] {
  const all = workloads.flatMap(({ intervals }) => intervals.flatMap(({ version }) => version.version ?? []));
  return [...new Set(all)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}
