import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { lowerPriority } from '../../platform/threads/threads.ts';
import { splitNotes } from '../proof/checkpoint.ts';
import { checkpointsBeside } from '../publish/signing-keys.ts';
import { openForReading } from '../sqlite/database/open.ts';
import { CommitLines } from './commit-lines.ts';
import { hubClient } from './hub-client.ts';
import { Shipper } from './shipper.ts';
import type { ShippingData } from './shipping.ts';

/*
 * The thread that sends the ledger to a hub: on a connection of its own, and behind everybody else, so that no review waits for it.
 */

lowerPriority();
const { path, origin, target } = workerData as ShippingData;
const ending = new AbortController();
parentPort?.once('message', () => ending.abort());
const db = openForReading(path);
const hub = hubClient(target);
try {
  await new Shipper({
    ...{ lines: new CommitLines(db), hub, origin },
    notes: () => (existsSync(checkpointsBeside(path)) ? splitNotes(readFileSync(checkpointsBeside(path), 'utf8')) : []),
    told: (report) => parentPort?.postMessage(report),
    random: Math.random,
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
  }).run(ending.signal);
} finally {
  hub.close();
  db.close();
  parentPort?.close();
}
