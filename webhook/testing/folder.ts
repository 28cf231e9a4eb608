import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for each test of a suite, removed after it. Call inside `describe`. */
export function useFolder(): (file: string) => string {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kubeblame-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return (file) => join(folder, file);
}

/** The same, one folder for a whole suite. */
export function useSharedFolder(): (file: string) => string {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kubeblame-'));
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return (file) => join(folder, file);
}
