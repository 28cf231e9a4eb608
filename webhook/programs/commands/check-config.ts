import { openSqliteReader } from '../../ledger/sqlite/store/store.ts';

/** Prints the rules of a configuration file. A file that cannot be used is an error, which names the line. */
export async function checkConfig({ config, db }: { config: string; db?: string }): Promise<void> {
  // Loaded only here: servers without such a file do without what reads it.
  const { readRulesFile } = await import('../config/rules-file.ts');
  const { describeConfig } = await import('./describe-config.ts');
  const file = readRulesFile(config);
  const ledger = db === undefined ? null : openSqliteReader(db);
  try {
    const lines = await describeConfig(file, ledger);
    process.stdout.write(
      `${[`${config} can be used; rules: ${file.rules.length}, redactions: ${file.redact.length}`, ...lines].join('\n')}\n`,
    );
  } finally {
    await ledger?.close();
  }
}
