import { Session } from 'node:inspector/promises';

/**
 * Tells whether code of ours has run that had not run before: what makes an input worth going on from. The library for
 * that, @jazzer.js/core, has a compiled part that a plain `npm ci` does not bring.
 */
export class CoverageGuide {
  private readonly session = new Session();
  private readonly seen = new Set<string>();

  /** null where c8 measures: taking V8's counters would take them away from it. */
  static async start(): Promise<CoverageGuide | null> {
    if (process.env.NODE_V8_COVERAGE !== undefined) return null;
    const guide = new CoverageGuide();
    guide.session.connect();
    await guide.session.post('Profiler.enable');
    await guide.session.post('Profiler.startPreciseCoverage', { callCount: false, detailed: true });
    return guide;
  }

  /** Blocks of shared/ and webhook/ that have run. */
  get size(): number {
    return this.seen.size;
  }

  /** True where something new has run since the last call. */
  async isNew(): Promise<boolean> {
    const before = this.seen.size;
    const { result } = await this.session.post('Profiler.takePreciseCoverage');
    for (const { url, functions } of result) {
      if (!/\/(shared|webhook)\/[^?]*\.ts/.test(url) || url.includes('/node_modules/')) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count > 0) this.seen.add(`${url}:${startOffset}:${endOffset}`);
        }
      }
    }
    return this.seen.size > before;
  }

  async stop(): Promise<void> {
    await this.session.post('Profiler.stopPreciseCoverage');
    this.session.disconnect();
  }
}
