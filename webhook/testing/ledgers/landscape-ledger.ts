import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { parseJson } from '../../../shared/json.ts';
import { Redactor } from '../../../shared/redact.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { Predicates } from '../../record/rules/predicates.ts';
import { Recorder } from '../../record/capture/recorder/recorder.ts';
import { importRecording } from '../../record/sources/recordings/import.ts';
import type { LedgerStore } from '../../ledger/port/port.ts';
import { openSqliteStore } from '../../ledger/sqlite/store/open-store.ts';
import { TEST_KEY } from './recorder.ts';

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
export async function importLandscape(path: string, cluster: LandscapeCluster, watch: boolean): Promise<LedgerStore> {
  const folder = `${LANDSCAPE}${cluster}/`;
  const store = openSqliteStore(path, cluster, 0);
  const predicates = new Predicates([]);
  const recorder = await Recorder.open({ store, redactor: new Redactor(TEST_KEY), predicates });
  await importRecording(
    {
      reviews: `${folder}reviews.ndjson.gz`,
      baseline: `${folder}truth/00-baseline.ndjson.gz`,
      baselineAt: landscapeMarks()[0]?.at ?? 0,
      ...(watch ? { watch: `${folder}watch.ndjson.gz` } : {}),
    },
    {
      recorder,
      store,
      predicates,
      bad: (error) => {
        // A SelfSubjectAccessReview has no name.
        if (cluster !== 'west' || !error.message.includes('line 1418:')) throw error;
      },
    },
  );
  await recorder.close();
  return store;
}
