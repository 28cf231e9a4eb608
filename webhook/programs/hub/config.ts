import { existsSync, readFileSync } from 'node:fs';
import { Option } from 'commander';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { readVerifiers } from '../../ledger/publish/signing-keys.ts';
import type { Address } from '../../platform/http/listener.ts';
import type { CertificateFiles } from '../../platform/http/tls.ts';
import { parseAddress } from '../config/config.ts';
import { LOG_LEVELS } from '../config/options.ts';

/** The database, of every command. */
export function databaseOption(): Option {
  return new Option('--database <url>', 'PostgreSQL: postgres://USER:PASSWORD@HOST/DATABASE')
    .env('KUBEBLAME_HUB_DATABASE')
    .makeOptionMandatory();
}

export interface RawDatabase {
  database: string;
}

/** Throws config-invalid. The message has no password. */
export function databaseUrl({ database }: RawDatabase): string {
  if (/^postgres(ql)?:\/\//.test(database)) return database;
  throw new KubeblameError(
    'config-invalid',
    '--database (KUBEBLAME_HUB_DATABASE): this is no URL of PostgreSQL, such as postgres://hub:PASSWORD@db.example.com/kubeblame',
  );
}

export interface RawServe extends RawDatabase {
  listen: string;
  tlsCert: string;
  tlsKey: string;
  readTokenFile?: string;
  databaseMinutes: string;
  logLevel: string;
}

export interface HubConfig {
  database: string;
  listen: Address;
  tls: CertificateFiles;
  /** Whoever has it reads everything; null: nobody reads. */
  readToken: string | null;
  /** How long a start waits for the database (ms). */
  databaseMs: number;
  logLevel: string;
}

/** Options of `serve`, besides. */
export function hubOptions(): Option[] {
  return [
    new Option('--listen <host:port>', 'where clusters push, and where is read; also /livez, /readyz, /metrics')
      .env('KUBEBLAME_LISTEN')
      .default('0.0.0.0:8446'),
    new Option('--tls-cert <file>', 'serving certificate, PEM; read again when it changes')
      .env('KUBEBLAME_TLS_CERT')
      .makeOptionMandatory(),
    new Option('--tls-key <file>', 'its private key, PEM').env('KUBEBLAME_TLS_KEY').makeOptionMandatory(),
    new Option('--read-token-file <file>', 'bearer token whose owner reads all clusters (default: nobody reads)').env(
      'KUBEBLAME_READ_TOKEN_FILE',
    ),
    new Option('--database-minutes <minutes>', 'how long a start waits for the database')
      .env('KUBEBLAME_HUB_DATABASE_MINUTES')
      .default('5'),
    new Option('--log-level <level>', 'least severe log messages to write')
      .env('KUBEBLAME_LOG_LEVEL')
      .choices(LOG_LEVELS)
      .default('info'),
  ];
}

/** Throws config-invalid, naming the option and what was expected. */
export function hubConfig(raw: RawServe): HubConfig {
  const minutes = Number(raw.databaseMinutes);
  if (!/^\d{1,4}$/.test(raw.databaseMinutes))
    throw new KubeblameError(
      'config-invalid',
      `--database-minutes: "${raw.databaseMinutes}" is not a number of minutes`,
    );
  return {
    database: databaseUrl(raw),
    listen: parseAddress(raw.listen, '--listen', 'KUBEBLAME_LISTEN'),
    tls: { cert: raw.tlsCert, key: raw.tlsKey },
    readToken: raw.readTokenFile === undefined ? null : readToken(raw.readTokenFile),
    databaseMs: minutes * 60_000,
    logLevel: raw.logLevel,
  };
}

function readToken(file: string): string {
  try {
    const token = readFileSync(file, 'utf8').trim();
    if (token !== '') return token;
  } catch (error) {
    throw new KubeblameError('config-invalid', `--read-token-file: ${messageOf(error)}`);
  }
  throw new KubeblameError('config-invalid', `--read-token-file: ${file} is empty`);
}

/** The one key of a ledger: NAME+ID+KEY, or its file. Throws config-invalid. */
export function ledgerKey(textOrFile: string): string {
  const isFile = existsSync(textOrFile);
  if (!isFile && textOrFile.startsWith('PRIVATE+KEY'))
    throw new KubeblameError('config-invalid', '--key: this is the private key', 'give the file that ends in .pub');
  const [key, another] = readVerifiers(textOrFile);
  if (key !== undefined && another === undefined) return key.text;
  throw new KubeblameError(
    'config-invalid',
    `--key: ${textOrFile} does not have one key`,
    'give DB.signing-key.pub of the cluster',
  );
}
