import { createRequire } from 'node:module';

/** Written into bundles by scripts/build.mjs. */
declare const KUBEBLAME_VERSION: string | undefined;

/** The version of this package; when running from sources, the one in package.json. */
export const VERSION: string = typeof KUBEBLAME_VERSION === 'string' ? KUBEBLAME_VERSION : readVersion();

function readVersion(): string {
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
  return version;
}
