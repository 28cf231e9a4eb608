import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { KubeblameError } from '../../../../shared/errors.ts';

/**
 * Where better-sqlite3's compiled part is. Found by its package, so that a bundle may hold the rest of it, and without
 * the search that it does itself. Throws sqlite-missing where it is not installed: in the plugin's archives.
 */
function nativeBinding(): string {
  let folder: string;
  try {
    folder = dirname(createRequire(import.meta.url).resolve('better-sqlite3/package.json'));
  } catch (error) {
    throw new KubeblameError(
      'sqlite-missing',
      'this installation cannot read ledger files: it came without better-sqlite3, which is compiled for each platform',
      'ask a server (--server), or install the whole package: npm install --global kubeblame',
      { cause: error },
    );
  }
  const file = join(folder, 'build', 'Release', 'better_sqlite3.node');
  if (existsSync(file)) return file;
  throw new KubeblameError(
    'sqlite-missing',
    `better-sqlite3 is installed in ${folder}, but was not built`,
    'run `npm rebuild better-sqlite3` there',
  );
}

/** Opens a SQLite file, or `:memory:`: the one way, in the sources and in a bundle. Throws sqlite-missing, and what SQLite throws. */
export function openDatabase(path: string, options: Database.Options = {}): Database.Database {
  return new Database(path, { ...options, nativeBinding: nativeBinding() });
}
