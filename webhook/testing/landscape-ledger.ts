import { fileURLToPath } from 'node:url';
import { importInto } from './import.ts';

/** Two clusters at once: shared/fixtures/README.md. */
export const LANDSCAPE = fileURLToPath(new URL('../../shared/fixtures/landscape/', import.meta.url));

/** One of the two clusters in a new ledger file: its baseline, reviews and watch events. */
export async function importLandscape(path: string, cluster: 'west' | 'east'): Promise<void> {
  const folder = `${LANDSCAPE}${cluster}/`;
  await importInto(path, {
    reviews: `${folder}reviews.ndjson.gz`,
    watch: `${folder}watch.ndjson.gz`,
    baseline: `${folder}truth/00-baseline.ndjson.gz`,
  });
}
