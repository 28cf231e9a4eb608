import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../../../shared/errors.ts';
import { lowerPriority } from '../../../platform/threads/threads.ts';
import type { CheckReply } from './background-check.ts';
import { openForReading } from '../database/open.ts';
import { checkPages } from './page-check.ts';

/*
 * The thread that reads a whole ledger once, behind everybody else: background-check.ts.
 */

/** As long as a step takes: half of one disk's and one processor's time at most. */
const PAUSE_MS = 20;

lowerPriority();
const { path } = workerData as { path: string };
parentPort?.postMessage(await check());

async function check(): Promise<CheckReply> {
  try {
    const db = openForReading(path);
    try {
      for (const _ of checkPages(db)) await sleep(PAUSE_MS);
    } finally {
      db.close();
    }
    return { damage: null };
  } catch (error) {
    return { damage: messageOf(error) };
  }
}
