import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LedgerReader } from '../../../shared/types.ts';
import { openLedger } from '../../../webhook/ask/questions/open.ts';
import { importLandscape } from '../../../webhook/testing/ledgers/landscape-ledger.ts';
import { importShop } from '../../../webhook/testing/ledgers/shop-ledger.ts';
import { PIPE } from '../../testing/style.ts';
import type { Io } from '../../io.ts';
import { pageAnswers } from '../answers.ts';
import { pageFiles } from '../assets.ts';
import { startPageServer, type PageServer } from '../server.ts';

/** A ledger that is served as `kubectl blame ui` does it. */
export interface ServedPage {
  reader: LedgerReader;
  server: PageServer;
  close(): Promise<void>;
}

let files: ReturnType<typeof pageFiles> | null = null;

/** `now`: the present, in ms, as the server knows it. */
export async function servePage(path: string, now: () => number): Promise<ServedPage> {
  const reader = await openLedger(path, now);
  const io: Io = {
    out: () => undefined,
    err: () => undefined,
    read: () => Promise.resolve(''),
    style: PIPE,
    now: now(),
    env: {},
  };
  files ??= pageFiles();
  const server = await startPageServer({ port: 0, files: await files, answer: pageAnswers(reader, io, now) });
  return {
    reader,
    server,
    close: async () => {
      await server.close();
      await reader.close();
    },
  };
}

const ledgers = new Map<string, Promise<string>>();
let folder = '';

/** A recording in a ledger, by its path: imported once for all suites of a run, which only read it. */
export function recordedLedger(name: 'shop' | 'west' | 'east'): Promise<string> {
  const known = ledgers.get(name) ?? importRecorded(name);
  ledgers.set(name, known);
  return known;
}

async function importRecorded(name: 'shop' | 'west' | 'east'): Promise<string> {
  if (folder === '') {
    folder = mkdtempSync(join(tmpdir(), 'kubeblame-page-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  }
  const path = join(folder, `${name}.db`);
  await (await (name === 'shop' ? importShop(path, true) : importLandscape(path, name, true))).close();
  return path;
}
