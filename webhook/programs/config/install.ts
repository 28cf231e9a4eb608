import { readFileSync } from 'node:fs';
import { Option } from 'commander';
import { networkOf } from '../../record/gate/endpoint/origins.ts';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { parseSelector, type Requirement } from '../../../shared/selector.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { USUAL_WEBHOOK, type WebhookOptions } from '../../install/registration/configuration.ts';
import type { ApiServerNetworks } from '../../install/cluster/api-servers.ts';
import type { InstallConfig } from '../../install/identity.ts';
import { REGISTRATION_TIMING, type Registration } from '../../install/registration/registration.ts';
import type { CallerProof } from '../../record/gate/endpoint/callers.ts';
import type { CertificateFiles } from '../../platform/http/tls.ts';

/*
 * Options about the server's place in a cluster: its certificate, how the API server proves to be the API server, and
 * whether the server registers itself there.
 */

const POD_NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';
const MIN_SECRET_LENGTH = 16;

export function installOptions(): Option[] {
  return [
    new Option(
      '--tls-cert <file>',
      'serving certificate, PEM; read again when it changes (default: the server makes its own, where it registers itself)',
    ).env('KUBEBLAME_TLS_CERT'),
    new Option('--tls-key <file>', 'its private key, PEM').env('KUBEBLAME_TLS_KEY'),
    new Option('--tls-ca <file>', 'CA of that certificate, PEM, for the webhook configuration').env('KUBEBLAME_TLS_CA'),
    new Option('--client-ca <file>', 'CA of the client certificate that the API server must present, PEM').env(
      'KUBEBLAME_CLIENT_CA',
    ),
    new Option(
      '--path-secret-file <file>',
      'secret that the path of the webhook must end in: /admit/SECRET (default: one of its own, where it registers itself)',
    ).env('KUBEBLAME_PATH_SECRET_FILE'),
    new Option(
      '--api-server-cidrs <list>',
      'networks that reviews are taken from, with commas; the word endpoints stands for the addresses of Service default/kubernetes ' +
        '(default: from anywhere; what comes from other addresses than these is named in the log)',
    ).env('KUBEBLAME_API_SERVER_CIDRS'),
    new Option('--register', 'make the webhook configuration, and keep it as it should be (default in a pod)'),
    new Option('--no-register', 'leave the webhook configuration to somebody else'),
    new Option('--namespace <name>', "namespace of the server's Service and Secret (default: the pod's own)").env(
      'KUBEBLAME_NAMESPACE',
    ),
    new Option('--service <name>', 'Service through which the API server calls the webhook')
      .env('KUBEBLAME_SERVICE')
      .default('kubeblame'),
    new Option('--service-port <port>', 'its port').env('KUBEBLAME_SERVICE_PORT').default('443'),
    new Option('--secret <name>', 'Secret for the certificates and the path that the server makes')
      .env('KUBEBLAME_SECRET')
      .default('kubeblame-tls'),
    new Option('--failure-policy <policy>', 'what becomes of a request while the server does not answer')
      .env('KUBEBLAME_FAILURE_POLICY')
      .choices(['Ignore', 'Fail'])
      .default(USUAL_WEBHOOK.failurePolicy),
    new Option('--webhook-timeout <seconds>', 'how long a request waits for the server')
      .env('KUBEBLAME_WEBHOOK_TIMEOUT')
      .default(String(USUAL_WEBHOOK.timeoutSeconds)),
    new Option(
      '--namespace-selector <selector>',
      'labels of the namespaces that send reviews, as for kubectl -l (default: all)',
    ).env('KUBEBLAME_NAMESPACE_SELECTOR'),
    new Option('--object-selector <selector>', 'labels of the objects that send reviews (default: all)').env(
      'KUBEBLAME_OBJECT_SELECTOR',
    ),
    new Option(
      '--gateway-service <name>',
      'Service of the gateways: the native API is registered while one of them answers (default: none)',
    ).env('KUBEBLAME_GATEWAY_SERVICE'),
    new Option('--gateway-secret <name>', 'Secret for the certificates of the gateways, which the server makes')
      .env('KUBEBLAME_GATEWAY_SECRET')
      .default('kubeblame-gateway-tls'),
  ];
}

/** Values of these options, as commander gives them. */
export interface RawInstallOptions {
  tlsCert?: string;
  tlsKey?: string;
  tlsCa?: string;
  clientCa?: string;
  pathSecretFile?: string;
  apiServerCidrs?: string;
  register?: boolean;
  namespace?: string;
  service: string;
  servicePort: string;
  secret: string;
  failurePolicy: 'Ignore' | 'Fail';
  webhookTimeout: string;
  namespaceSelector?: string;
  objectSelector?: string;
  gatewayService?: string;
  gatewaySecret: string;
}

export interface InstallContext {
  inCluster: boolean;
  hasKubeconfig: boolean;
}

/** Checks the options. Throws config-invalid, naming the option and what was expected. */
export function installConfig(raw: RawInstallOptions, context: InstallContext): InstallConfig {
  const register = raw.register ?? context.inCluster;
  if (register && !context.inCluster && !context.hasKubeconfig) {
    throw new KubeblameError('config-invalid', '--register: there is no cluster to register in: give --kubeconfig');
  }
  const tls = certificateFiles(raw, register);
  return {
    tls,
    callers: callerProof(raw, register),
    apiServers: raw.apiServerCidrs === undefined ? null : apiServerNetworks(raw.apiServerCidrs, context),
    registration: register ? registration(raw, tls, context.inCluster) : null,
  };
}

function certificateFiles({ tlsCert, tlsKey }: RawInstallOptions, register: boolean): CertificateFiles | null {
  if (tlsCert !== undefined && tlsKey !== undefined) return { cert: tlsCert, key: tlsKey };
  if (tlsCert !== undefined || tlsKey !== undefined) {
    throw invalid(
      tlsKey === undefined ? '--tls-key' : '--tls-cert',
      'is missing: a certificate and its key go together',
    );
  }
  if (register) return null;
  throw invalid('--tls-cert', 'is missing, and so is --tls-key: make both with `make certs`');
}

function callerProof({ clientCa, pathSecretFile }: RawInstallOptions, register: boolean): CallerProof {
  if (clientCa !== undefined && pathSecretFile !== undefined) {
    throw invalid('--path-secret-file', 'is not for use with --client-ca: the certificate is the proof');
  }
  if (register && pathSecretFile !== undefined) {
    throw invalid(
      '--path-secret-file',
      'is not for use with --register: the server makes its own secret, and renews it',
    );
  }
  if (clientCa !== undefined) return { by: 'certificate', ca: clientCa };
  if (pathSecretFile !== undefined) return { by: 'path', secret: readPathSecret(pathSecretFile) };
  return register ? { by: 'path', secret: null } : { by: 'nothing' };
}

/** The word that stands for the addresses which the cluster names. */
const ENDPOINTS = 'endpoints';

function apiServerNetworks(text: string, { inCluster, hasKubeconfig }: InstallContext): ApiServerNetworks {
  const names = text.split(',').map((name) => name.trim());
  const endpoints = names.includes(ENDPOINTS);
  if (endpoints && !inCluster && !hasKubeconfig) {
    throw invalid('--api-server-cidrs', `there is no cluster that names ${ENDPOINTS}: give --kubeconfig`);
  }
  const networks = names.filter((name) => name !== ENDPOINTS);
  for (const network of networks) {
    try {
      networkOf(network);
    } catch (error) {
      throw invalid('--api-server-cidrs', `${messageOf(error)}, nor the word ${ENDPOINTS}`);
    }
  }
  return { networks, endpoints };
}

function registration(raw: RawInstallOptions, tls: CertificateFiles | null, inCluster: boolean): Registration {
  const servicePort = Number(raw.servicePort);
  if (!/^\d{1,5}$/.test(raw.servicePort) || servicePort < 1 || servicePort > 65535) {
    throw invalid('--service-port', `"${raw.servicePort}" is not a port`);
  }
  if (tls !== null && raw.tlsCa === undefined) {
    throw invalid('--tls-ca', 'is missing: the webhook configuration needs the CA of --tls-cert');
  }
  return {
    namespace: raw.namespace ?? podNamespace(inCluster),
    service: raw.service,
    servicePort,
    secret: raw.secret,
    tlsCa: tls === null ? null : (raw.tlsCa ?? null),
    gatewayService: raw.gatewayService ?? null,
    gatewaySecret: raw.gatewaySecret,
    webhook: webhookOptions(raw),
    timing: REGISTRATION_TIMING,
  };
}

function webhookOptions(raw: RawInstallOptions): WebhookOptions {
  const timeoutSeconds = Number(raw.webhookTimeout);
  if (!/^\d{1,2}$/.test(raw.webhookTimeout) || timeoutSeconds < 1 || timeoutSeconds > 30) {
    throw invalid('--webhook-timeout', `"${raw.webhookTimeout}" is not a number of seconds from 1 to 30`);
  }
  return {
    failurePolicy: raw.failurePolicy,
    timeoutSeconds,
    namespaceSelector: labelSelector(raw.namespaceSelector, '--namespace-selector'),
    objectSelector: labelSelector(raw.objectSelector, '--object-selector'),
  };
}

const OPERATORS = { in: 'In', notin: 'NotIn', exists: 'Exists', absent: 'DoesNotExist' } as const;

/** A selector as kubectl takes it, as a LabelSelector of the API, written as the API server shows it. */
function labelSelector(text: string | undefined, option: string): JsonObject {
  let requirements: Requirement[];
  try {
    requirements = parseSelector(text ?? '');
  } catch (error) {
    throw invalid(option, messageOf(error));
  }
  const matchExpressions = requirements.map(({ key, operator, values }): JsonObject => {
    if (operator === 'greater' || operator === 'less')
      throw invalid(option, 'a webhook configuration knows no "<" and ">"');
    return { key, operator: OPERATORS[operator], ...(values.length === 0 ? {} : { values }) };
  });
  return matchExpressions.length === 0 ? {} : { matchExpressions };
}

/** The namespace of the pod that this runs in; `kubeblame` outside of one. Throws config-invalid. */
export function podNamespace(inCluster: boolean): string {
  if (!inCluster) return 'kubeblame';
  try {
    return readFileSync(POD_NAMESPACE_FILE, 'utf8').trim();
  } catch (error) {
    throw invalid('--namespace', `is missing, and the pod does not tell: ${messageOf(error)}`);
  }
}

/** It becomes part of a path, as it is; the API server takes a lower-case DNS name there (RFC 1123). */
function readPathSecret(path: string): string {
  let secret: string;
  try {
    secret = readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw invalid('--path-secret-file', messageOf(error));
  }
  if (secret.length < MIN_SECRET_LENGTH || !/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(secret)) {
    throw invalid(
      '--path-secret-file',
      `${path} must hold at least ${MIN_SECRET_LENGTH} lower-case letters, digits and "-": openssl rand -hex 32`,
    );
  }
  return secret;
}

function invalid(option: string, what: string): KubeblameError {
  const variable = `KUBEBLAME_${option.slice(2).toUpperCase().replaceAll('-', '_')}`;
  return new KubeblameError('config-invalid', `${option} (${variable}): ${what}`);
}
