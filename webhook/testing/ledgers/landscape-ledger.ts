import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { parseJson } from '../../../shared/json.ts';
import type { JsonObject } from '../../../shared/types.ts';
import type { LedgerStore } from '../../ledger/port/port.ts';
import { importedLedger } from './import.ts';

/** The recording of two clusters: shared/fixtures/landscape, described in the README beside it. */
export const LANDSCAPE = fileURLToPath(new URL('../../../shared/fixtures/landscape/', import.meta.url));

export type LandscapeCluster = 'west' | 'east';

/** The moments at which the truth of both clusters is known. */
export function landscapeMarks(): { mark: string; at: number }[] {
  const lines = readFileSync(`${LANDSCAPE}marks.ndjson`, 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const { mark, at } = JSON.parse(line) as { mark: string; at: string };
    return { mark, at: Date.parse(at) };
  });
}

/** The objects that a cluster's API server had at a mark. */
export function landscapeTruth(cluster: LandscapeCluster, mark: string): JsonObject[] {
  const bytes = gunzipSync(readFileSync(`${LANDSCAPE}${cluster}/truth/${mark}.ndjson.gz`));
  const lines = bytes.toString().trimEnd().split('\n');
  return lines.map((line) => parseJson(line) as JsonObject);
}

/** A cluster's recording in a new ledger: its reviews, the baseline at its mark, and the watch events where wanted. */
export function importLandscape(path: string, cluster: LandscapeCluster, watch: boolean): Promise<LedgerStore> {
  const folder = `${LANDSCAPE}${cluster}/`;
  const input = {
    reviews: `${folder}reviews.ndjson.gz`,
    baseline: `${folder}truth/00-baseline.ndjson.gz`,
    baselineAt: landscapeMarks()[0]?.at ?? 0,
    ...(watch ? { watch: `${folder}watch.ndjson.gz` } : {}),
  };
  // A SelfSubjectAccessReview has no name.
  const isNameless = (error: Error): boolean => cluster === 'west' && error.message.includes('line 1418:');
  return importedLedger(path, cluster, input, isNameless);
}
