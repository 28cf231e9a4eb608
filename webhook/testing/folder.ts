import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyFile } from '../ledger/files/verify-file.ts';

export interface FolderOptions {
  /** False where ledgers are damaged, or their rows made up, on purpose. */
  verify?: boolean;
}

/**
 * A folder for each test of a suite, removed after it; whatever ledgers a test leaves in it must be sound. Call inside
 * `describe`, first of all: its hook then sees the ledgers while the servers still run.
 */
export function useFolder({ verify = true }: FolderOptions = {}): (file: string) => string {
  let folder = '';
  beforeEach(() => {
    folder = make();
  });
  afterEach(async () => {
    await leave(folder, verify);
  });
  return (file) => join(folder, file);
}

/** The same, one folder for a whole suite. */
export function useSharedFolder({ verify = true }: FolderOptions = {}): (file: string) => string {
  let folder = '';
  before(() => {
    folder = make();
  });
  after(async () => {
    await leave(folder, verify);
  });
  return (file) => join(folder, file);
}

function make(): string {
  return mkdtempSync(join(tmpdir(), 'kubeblame-'));
}

/** States that are rebuilt of each ledger, besides each object's last one. */
const SAMPLES = 20;

async function leave(folder: string, verify: boolean): Promise<void> {
  try {
    const ledgers = verify && existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.db')) : [];
    for (const name of ledgers) {
      const options = { checkpoints: [], keys: [], samples: SAMPLES, random: Math.random };
      const { findings } = await verifyFile(join(folder, name), options);
      assert.deepEqual(findings, [], `kubectl blame verify of ${name}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
