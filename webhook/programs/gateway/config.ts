import { hostname } from 'node:os';
import { Option } from 'commander';
import { KubeblameError } from '../../../shared/errors.ts';
import type { UpstreamOptions } from './upstream.ts';
import type { GatewayPlace } from './withdrawal.ts';
import type { Cluster } from '../../platform/kubernetes/api-client.ts';
import type { CertificateFiles } from '../../platform/http/tls.ts';
import { parseAddress } from '../config/config.ts';
import { LOG_LEVELS } from '../config/options.ts';
import type { Address } from '../../platform/http/listener.ts';
import { podNamespace } from '../config/install.ts';

export interface GatewayConfig {
  listen: Address;
  tls: CertificateFiles;
  upstream: UpstreamOptions;
  cluster: Cluster;
  /** null outside of a pod: the native API is withdrawn by somebody else. */
  place: GatewayPlace | null;
  logLevel: string;
}

/** Options of `gateway`. */
export function gatewayOptions(): Option[] {
  return [
    new Option('--listen <host:port>', 'where the API server asks').env('KUBEBLAME_LISTEN').default('0.0.0.0:8445'),
    new Option('--tls-cert <file>', 'serving certificate, PEM; read again when it changes')
      .env('KUBEBLAME_TLS_CERT')
      .makeOptionMandatory(),
    new Option('--tls-key <file>', 'its private key, PEM').env('KUBEBLAME_TLS_KEY').makeOptionMandatory(),
    new Option('--upstream <url>', 'read API of the server that has the ledger')
      .env('KUBEBLAME_UPSTREAM')
      .default('https://kubeblame.kubeblame.svc:8444'),
    new Option('--upstream-ca <file>', "CA of that server's certificate, PEM; read again for each connection")
      .env('KUBEBLAME_UPSTREAM_CA')
      .makeOptionMandatory(),
    new Option('--token-file <file>', 'bearer token by which that server knows the gateway (audience kubeblame)')
      .env('KUBEBLAME_TOKEN_FILE')
      .makeOptionMandatory(),
    new Option('--kubeconfig <file>', "cluster that tells who may ask (in a pod: the pod's own)").env(
      'KUBEBLAME_KUBECONFIG',
    ),
    new Option('--service <name>', 'Service of the gateways: the last one to stop withdraws the native API')
      .env('KUBEBLAME_GATEWAY_SERVICE')
      .default('kubeblame-gateway'),
    new Option('--namespace <name>', "namespace of that Service (default: the pod's own)").env('KUBEBLAME_NAMESPACE'),
    new Option('--log-level <level>', 'least severe log messages to write')
      .env('KUBEBLAME_LOG_LEVEL')
      .choices(LOG_LEVELS)
      .default('info'),
  ];
}

/** Values of the options above, as commander gives them. */
export interface RawGatewayOptions {
  listen: string;
  tlsCert: string;
  tlsKey: string;
  upstream: string;
  upstreamCa: string;
  tokenFile: string;
  kubeconfig?: string;
  service: string;
  namespace?: string;
  logLevel: string;
}

/** Checks the options of the gateway. Throws config-invalid, naming the option and what was expected. */
export function gatewayConfig(raw: RawGatewayOptions, inCluster: boolean): GatewayConfig {
  if (raw.kubeconfig === undefined && !inCluster) {
    throw new KubeblameError('config-invalid', '--kubeconfig (KUBEBLAME_KUBECONFIG): needed outside of a pod');
  }
  const url = URL.canParse(raw.upstream) ? new URL(raw.upstream) : null;
  if (url?.protocol !== 'https:') {
    throw new KubeblameError(
      'config-invalid',
      `--upstream (KUBEBLAME_UPSTREAM): ${JSON.stringify(raw.upstream)} is not an https:// URL`,
    );
  }
  return {
    listen: parseAddress(raw.listen, '--listen', 'KUBEBLAME_LISTEN'),
    tls: { cert: raw.tlsCert, key: raw.tlsKey },
    upstream: { url, caFile: raw.upstreamCa, tokenFile: raw.tokenFile },
    cluster: raw.kubeconfig === undefined ? 'in-cluster' : { file: raw.kubeconfig },
    // In a pod of a Deployment the host's name is the pod's.
    place: inCluster ? { namespace: raw.namespace ?? podNamespace(true), service: raw.service, pod: hostname() } : null,
    logLevel: raw.logLevel,
  };
}
