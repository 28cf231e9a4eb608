import { Command } from 'commander';
import { VERSION } from '../../../shared/version.ts';
import { migrate } from '../../ledger/postgres/database/migrations.ts';
import { openPool, translate, type Pool } from '../../ledger/postgres/database/pool.ts';
import { enrol, listLedgers, renewToken, retire } from '../../ledger/postgres/ledgers.ts';
import { run } from '../commands/run.ts';
import { print } from '../commands/print.ts';
import { serveHub } from '../commands/serve.ts';
import { databaseOption, databaseUrl, hubOptions, ledgerKey, type RawDatabase, type RawServe } from './config.ts';

/** The command line of `kubeblame-hub`. */
export function createHubProgram(): Command {
  const program = new Command('kubeblame-hub')
    .description('Keeps the ledgers of many clusters in PostgreSQL, and answers kubectl-blame about them.')
    .version(VERSION)
    .showHelpAfterError('(see --help)');
  const serve = program
    .command('serve')
    .description('take in what clusters push, and answer questions')
    .addOption(databaseOption());
  for (const option of hubOptions()) serve.addOption(option);
  serve.action((raw: RawServe) => run(() => serveHub(raw)));

  program
    .command('migrate')
    .description('bring the database to the schema of this version; several at once wait for each other')
    .addOption(databaseOption())
    .action((raw: RawDatabase) =>
      onDatabase(raw, async (pool) => {
        const applied = await migrate(pool);
        print(
          applied === 0
            ? 'the database is up to date\n'
            : `${applied} ${applied === 1 ? 'migration' : 'migrations'} applied\n`,
        );
      }),
    );
  program
    .command('enrol')
    .description('let a cluster push its ledger; prints the token that it pushes with, which is not stored')
    .argument('<cluster>', 'the name of the cluster at the hub, such as west')
    .requiredOption('--key <file>', "the ledger's verification key: DB.signing-key.pub of its server, or what is in it")
    .option('--cluster-uid <uid>', 'uid of its namespace kube-system: tells clusters of one name apart')
    .option('--new-token', 'only make a new token, for a ledger that is enrolled')
    .addOption(databaseOption())
    .action((cluster: string, raw: RawDatabase & { key: string; clusterUid?: string; newToken?: boolean }) =>
      onDatabase(raw, async (pool) => {
        const key = ledgerKey(raw.key);
        const { token, origin } =
          raw.newToken === true
            ? await renewToken(pool, key)
            : await enrol(pool, { cluster, key, clusterUid: raw.clusterUid ?? null, now: Date.now() });
        process.stderr.write(`${origin} pushes as ${cluster} with this token:\n`);
        print(`${token}\n`);
      }),
    );
  program
    .command('retire')
    .description('take nothing more of a cluster; its history stays')
    .argument('<cluster>', 'its name at the hub')
    .addOption(databaseOption())
    .action((cluster: string, raw: RawDatabase) =>
      onDatabase(raw, async (pool) => {
        for (const origin of await retire(pool, cluster)) print(`${origin} retired\n`);
      }),
    );
  program
    .command('list')
    .description('the ledgers of all clusters, and how far they have come')
    .addOption(databaseOption())
    .action((raw: RawDatabase) =>
      onDatabase(raw, async (pool) => {
        print('CLUSTER\tSTATE\tCHANGES\tCOMMITS\tSIGNED\tKNOWN UNTIL\tLAST PUSH\tLEDGER\n');
        const time = (ms: number): string => (ms === 0 ? '-' : new Date(ms).toISOString());
        for (const {
          cluster,
          state,
          headSeq,
          headCommit,
          signedCommit,
          headAt,
          receivedAt,
          origin,
          reason,
        } of await listLedgers(pool))
          print(
            `${[cluster, state, headSeq, headCommit, signedCommit, time(headAt), time(receivedAt), origin].join('\t')}${reason === '' ? '' : `\t${reason}`}\n`,
          );
      }),
    );
  return program;
}

function onDatabase(raw: RawDatabase, work: (pool: Pool) => Promise<void>): Promise<void> {
  return run(async () => {
    const pool = openPool(databaseUrl(raw), 1);
    try {
      await work(pool);
    } catch (error) {
      throw translate(error);
    } finally {
      await pool.end();
    }
  });
}
