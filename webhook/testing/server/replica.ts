import pino from 'pino';
import type { Address } from '../../platform/http/listener.ts';
import { startServer } from '../../programs/recorder/server.ts';
import type { Election } from '../../programs/standby/lease/election.ts';
import { testConfig } from './server.ts';

/** What a test tells a replica, as JSON. */
export interface ReplicaOptions {
  /** Where its files are. */
  folder: string;
  kubeconfig: string;
  listen: Address;
  election: Election;
}

/*
 * A server in a process of its own, which a test can kill, with times that the command line does not offer. Its log is its stdout.
 */
const { folder, kubeconfig, listen, election } = JSON.parse(process.argv[2] ?? '') as ReplicaOptions;
const file = (name: string): string => `${folder}/${name}`;
const pair = { cert: file('tls.crt'), key: file('tls.key') };
const log = pino({ base: null });
const config = testConfig(file, pair, { kubeconfig: { file: kubeconfig }, listen, election });
const server = await startServer(config, log);
log.info('serving');
const stop = (): void => void server.stop().then(() => log.info('stopped'));
process.once('SIGTERM', stop);
void server.replaced.then(stop);
