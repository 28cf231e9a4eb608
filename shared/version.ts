import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';

/** The version of this package, from its package.json: beside the sources, or above the bundle. */
export const VERSION: string = readVersion();

function readVersion(): string {
  const require = createRequire(import.meta.url);
  for (const path of ['../package.json', '../../package.json']) {
    const url = new URL(path, import.meta.url);
    if (!existsSync(url)) continue;
    const { name, version } = require(url.pathname) as { name?: string; version?: string };
    if (name === 'kubeblame' && version !== undefined) return version;
  }
  return 'unknown';
}
