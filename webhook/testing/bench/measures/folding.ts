import { spawn } from 'node:child_process';
import { copyFileSync, rmSync, statSync } from 'node:fs';
import { openSqliteStore } from '../../../ledger/sqlite/store/open-store.ts';
import { generateLedger } from '../traffic/generate.ts';

export interface FoldingRow {
  changes: number;
  bytes: number;
  /** CPU time of steps over as many changes as a step takes: the first and the later ones, and the longest (ms). */
  firstMs: number;
  laterMs: number;
  longestMs: number;
  /** From SIGTERM to the end of a process that folds (ms). */
  stopMs: number;
  /** Opening the ledger after a clean stop, and after a crash (ms). */
  cleanStartMs: number;
  crashedStartMs: number;
}

const STEPS = 40;

/** Folds a ledger of so many changes, and one of a tenth of them: a step must cost the same. `program`: the built server. */
export async function measureFolding(
  path: (name: string) => string,
  program: string,
  changes: number,
): Promise<FoldingRow[]> {
  const rows: FoldingRow[] = [];
  for (const count of [changes / 10, changes]) rows.push(await measure(path(`fold-${count}.db`), program, count));
  return rows;
}

async function measure(db: string, program: string, changes: number): Promise<FoldingRow> {
  const made = openSqliteStore(db, 'bench', 0);
  await generateLedger(made, { changes, objects: Math.min(10_000, changes / 10), hot: changes / 5, batch: 256 });
  await made.close();
  const cleanStartMs = await startMs(db);
  rmSync(`${db}.closed`);
  const crashedStartMs = await startMs(db);
  const bytes = statSync(db).size;

  const copy = `${db}.copy`;
  copyFileSync(db, copy);
  const store = openSqliteStore(copy, 'bench', 0);
  const steps: number[] = [];
  // Creations take less: the second half is of changes to what is there.
  for (let n = 0; n < STEPS; n++) {
    const before = process.cpuUsage();
    if ((await store.fold({ before: Infinity, now: 0 })) === null) break;
    const { user, system } = process.cpuUsage(before);
    steps.push((user + system) / 1000);
  }
  await store.close();
  rmSync(copy);
  const half = Math.floor(steps.length / 2);
  return {
    ...{ changes, bytes, cleanStartMs, crashedStartMs },
    ...{ firstMs: median(steps.slice(0, half)), laterMs: median(steps.slice(half)), longestMs: Math.max(...steps) },
    stopMs: await stopMs(db, program),
  };
}

async function startMs(db: string): Promise<number> {
  const started = performance.now();
  const store = openSqliteStore(db, 'bench', 0);
  const took = performance.now() - started;
  await store.close();
  return took;
}

/** How long a process that folds everything takes to end. Rejects where it ended by itself, or badly. */
async function stopMs(db: string, program: string): Promise<number> {
  const child = spawn(process.execPath, [program, 'fold', '--db', db, '--retain-age', '1h'], { stdio: 'ignore' });
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const started = performance.now();
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const code = await ended;
  if (code !== 143 && code !== 0) throw new Error(`the fold ended with ${String(code)}`);
  return performance.now() - started;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}
