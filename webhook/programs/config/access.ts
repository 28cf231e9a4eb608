import { existsSync, readFileSync } from 'node:fs';
import { Option } from 'commander';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import type { AccessConfig } from '../../ask/access/access.ts';
import type { Cluster } from '../../platform/kubernetes/api-client.ts';

/*
 * Options about who may read.
 */

const READ_ACCESS = ['cluster', 'token', 'open'] as const;
type ReadAccess = (typeof READ_ACCESS)[number];

export function accessOptions(): Option[] {
  return [
    new Option(
      '--read-access <who>',
      'who may read: the cluster decides for each user, whoever has the token, or whoever reaches it ' +
        '(default: cluster in a pod, otherwise token where there is one, otherwise open)',
    )
      .env('KUBEBLAME_READ_ACCESS')
      .choices(READ_ACCESS),
    new Option('--read-token-file <file>', 'bearer token whose owner reads everything').env(
      'KUBEBLAME_READ_TOKEN_FILE',
    ),
    new Option('--gateway-user <name>', 'user that passes on the requests of others: `kubeblame-webhook gateway`').env(
      'KUBEBLAME_GATEWAY_USER',
    ),
  ];
}

/** Values of the options above, as commander gives them. */
export interface RawAccessOptions {
  readAccess?: ReadAccess;
  readTokenFile?: string;
  gatewayUser?: string;
}

/**
 * Checks who may read. Throws config-invalid: each way to tell needs something, and a token or gateway that nobody asks
 * for is a mistake.
 */
export function accessConfig(raw: RawAccessOptions, inCluster: boolean, cluster: Cluster | null): AccessConfig {
  const readToken = raw.readTokenFile === undefined ? null : readTokenFile(raw.readTokenFile);
  const access = raw.readAccess ?? (inCluster ? 'cluster' : readToken === null ? 'open' : 'token');
  const bad = (what: string): KubeblameError => invalid('--read-access', 'KUBEBLAME_READ_ACCESS', what);
  if (access === 'cluster' && cluster === null) throw bad('cluster needs --kubeconfig outside of a pod');
  if (access === 'token' && readToken === null) throw bad('token needs --read-token-file');
  if (access === 'open' && readToken !== null) throw bad('open and --read-token-file exclude each other');
  if (access !== 'cluster' && raw.gatewayUser !== undefined) {
    throw invalid('--gateway-user', 'KUBEBLAME_GATEWAY_USER', 'only --read-access cluster knows users');
  }
  return {
    readToken,
    accessCluster: access === 'cluster' ? cluster : null,
    gatewayUser: raw.gatewayUser ?? null,
  };
}

function invalid(option: string, variable: string, what: string): KubeblameError {
  return new KubeblameError('config-invalid', `${option} (${variable}): ${what}`);
}

function readTokenFile(path: string): string {
  let token: string;
  try {
    token = readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw invalid('--read-token-file', 'KUBEBLAME_READ_TOKEN_FILE', messageOf(error));
  }
  if (token.length < 16) {
    const found = existsSync(path) ? `${path} holds ${token.length} characters` : path;
    throw invalid('--read-token-file', 'KUBEBLAME_READ_TOKEN_FILE', `${found}, a token has at least 16`);
  }
  return token;
}
