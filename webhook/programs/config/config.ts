import { hostname } from 'node:os';
import { KubeblameError } from '../../../shared/errors.ts';
import type { AccessConfig } from '../../ask/access/access.ts';
import type { Cluster } from '../../platform/kubernetes/api-client.ts';
import { Predicates } from '../../record/rules/predicates.ts';
import { KNOWN_PATTERNS, type PatternOptions } from '../../../shared/redact-patterns.ts';
import type { RedactionRule } from '../../../shared/redaction-rules.ts';
import type { ConfigMapName } from '../../ledger/publish/config-map.ts';
import { signingKeyBeside } from '../../ledger/publish/signing-keys.ts';
import { ELECTION_TIMING, type Election } from '../standby/lease/election.ts';
import {
  readEventPolicy,
  readPolicy,
  type EventPolicy,
  type RetentionPolicy,
} from '../../ledger/retention/retention.ts';
import type { Address } from '../../platform/http/listener.ts';
import { auditConfig, type AuditConfig } from '../recorder/start/audit/audit-config.ts';
import { accessConfig } from './access.ts';
import { installConfig } from './install.ts';
import type { RawOptions, RawServerOptions } from './options.ts';
import type { InstallConfig } from '../../install/identity.ts';
import type { StreamTarget } from '../../ask/stream/targets.ts';
import type { RulesFile } from './rules-file.ts';

export interface LedgerConfig {
  db: string;
  keyFile: string;
  /** Name of the cluster, for a new ledger; null: not given. */
  cluster: string | null;
  predicates: Predicates;
  redact: RedactionRule[];
  patterns: PatternOptions;
}

export interface ServerConfig extends LedgerConfig, InstallConfig, AccessConfig {
  listen: Address;
  readListen: Address;
  /** null: outside a cluster, and no kubeconfig given: nothing is watched. */
  kubeconfig: Cluster | null;
  webhookConfiguration: string;
  /** null: no telemetry is sent. */
  otlpEndpoint: string | null;
  /** Where each commit is sent as it is made; null: nowhere. */
  stream: StreamTarget | null;
  /** Whether changes and Events are sent to the collector as logs. */
  otlpLogs: boolean;
  /** What checkpoints are signed with; made where there is none. */
  signingKeyFile: string;
  checkpointEveryMs: number;
  /** Of the cluster that is watched; null: checkpoints go to the file and the log alone. */
  checkpointConfigMap: ConfigMapName | null;
  retention: RetentionPolicy;
  /** null: no Events are recorded. */
  events: EventPolicy | null;
  audit: AuditConfig;
  /** Whose turn it is among several servers; null: no Lease decides. */
  election: Election | null;
  logLevel: string;
}

/** True in a pod: the kubelet sets this for every container. */
export function isInCluster(): boolean {
  return process.env.KUBERNETES_SERVICE_HOST !== undefined;
}

/** Checks the options of a ledger. Rejects with config-invalid, naming the option and what was expected. */
export async function ledgerConfig(raw: RawOptions): Promise<LedgerConfig> {
  const file =
    raw.config === undefined ? { rules: [], redact: [], patterns: KNOWN_PATTERNS } : await rulesFile(raw.config);
  const skip = raw.skip
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const odd = skip.find((name) => !/^[a-z0-9.*-]+(\/[a-z0-9*]+)?$/.test(name));
  if (odd !== undefined) {
    throw invalid(
      '--skip',
      'KUBEBLAME_SKIP',
      `"${odd}" is not RESOURCE.GROUP or RESOURCE.GROUP/SUBRESOURCE in lower case`,
    );
  }
  if (raw.cluster === '') throw invalid('--cluster', 'KUBEBLAME_CLUSTER', 'the name is empty');
  return {
    db: raw.db,
    keyFile: raw.keyFile ?? `${raw.db}.key`,
    cluster: raw.cluster ?? null,
    predicates: new Predicates(file.rules, skip),
    redact: file.redact,
    patterns: file.patterns,
  };
}

async function rulesFile(path: string): Promise<RulesFile> {
  // Loaded only here: what it reads and checks files with takes 20 MB, and most servers have no such file.
  const { readRulesFile } = await import('./rules-file.ts');
  return readRulesFile(path);
}

/** Checks the options of the server. Rejects with config-invalid, naming the option and what was expected. */
export async function serverConfig(raw: RawServerOptions, inCluster: boolean): Promise<ServerConfig> {
  const readListen = parseAddress(raw.readListen, '--read-listen', 'KUBEBLAME_READ_LISTEN');
  const kubeconfig: Cluster | null =
    raw.kubeconfig !== undefined ? { file: raw.kubeconfig } : inCluster ? 'in-cluster' : null;
  const access = accessConfig(raw, inCluster, kubeconfig);
  if (access.readToken === null && access.accessCluster === null && !isLoopback(readListen.host)) {
    throw invalid(
      '--read-listen',
      'KUBEBLAME_READ_LISTEN',
      `${raw.readListen} can be reached from other machines, and there is no token: give --read-token-file, or listen on 127.0.0.1`,
    );
  }
  const install = installConfig(raw, { inCluster, hasKubeconfig: raw.kubeconfig !== undefined });
  const isOpen = install.callers.by === 'nothing';
  const listen = raw.listen ?? (isOpen ? '127.0.0.1:8443' : '0.0.0.0:8443');
  const address = parseAddress(listen, '--listen', 'KUBEBLAME_LISTEN');
  if (isOpen && !isLoopback(address.host)) {
    throw invalid(
      '--listen',
      'KUBEBLAME_LISTEN',
      `whoever reaches ${listen} could add to the ledger: give --path-secret-file or --client-ca, or listen on 127.0.0.1`,
    );
  }
  return {
    ...(await ledgerConfig(raw)),
    ...install,
    listen: address,
    readListen,
    ...access,
    kubeconfig,
    webhookConfiguration: raw.webhookConfiguration,
    otlpEndpoint: raw.otlpEndpoint === undefined ? null : readEndpoint(raw.otlpEndpoint),
    stream: raw.stream === undefined ? null : streamTarget(raw.stream, raw),
    otlpLogs: otlpLogs(raw),
    signingKeyFile: raw.signingKey ?? signingKeyBeside(raw.db),
    checkpointEveryMs:
      MINUTE_MS * minutes(raw.checkpointMinutes, '--checkpoint-minutes', 'KUBEBLAME_CHECKPOINT_MINUTES'),
    checkpointConfigMap: raw.checkpointConfigmap === undefined ? null : configMapName(raw.checkpointConfigmap),
    retention: readPolicy(raw.retainAge, raw.retainSize, raw.retainSecurity),
    events: readEventPolicy(raw.retainEvents, raw.retainEventsSize),
    audit: auditConfig(raw, parseAddress),
    election: electionOf(install, inCluster),
    logLevel: raw.logLevel,
  };
}

/** Servers that register the same webhook configuration must not both record. */
function electionOf({ registration }: InstallConfig, inCluster: boolean): Election | null {
  if (registration === null) return null;
  const { namespace, service: name } = registration;
  // A pod's host name is its own, and containers have it in this variable.
  const identity = process.env.HOSTNAME ?? hostname();
  return { namespace, name, identity, isPod: inCluster, timing: ELECTION_TIMING };
}

function readEndpoint(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw invalid(
    '--otlp-endpoint',
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    `"${text}" is not an http:// or https:// URL, such as http://collector:4318`,
  );
}

function streamTarget(
  text: string,
  { streamTokenFile, otlpEndpoint }: Pick<RawServerOptions, 'streamTokenFile' | 'otlpEndpoint'>,
): StreamTarget {
  const refuse = (what: string): KubeblameError => invalid('--stream', 'KUBEBLAME_STREAM', what);
  if (text === 'otlp') {
    if (otlpEndpoint === undefined) throw refuse('otlp needs a collector: give --otlp-endpoint');
    return { to: 'otlp' };
  }
  if (text.startsWith('/')) return { to: 'file', path: text };
  if (URL.canParse(text)) {
    const { protocol, hostname } = new URL(text);
    // What is sent names who did what: in the clear only on this machine.
    if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname)))
      return { to: 'url', url: text, tokenFile: streamTokenFile ?? null };
  }
  throw refuse(`"${text}" is not an absolute path, an https:// URL, or otlp`);
}

function otlpLogs({
  otlpLogs: isAsked = false,
  otlpEndpoint,
}: Pick<RawServerOptions, 'otlpLogs' | 'otlpEndpoint'>): boolean {
  if (!isAsked || otlpEndpoint !== undefined) return isAsked;
  throw invalid('--otlp-logs', 'KUBEBLAME_OTLP_LOGS', 'it needs a collector: give --otlp-endpoint');
}

function configMapName(text: string): ConfigMapName {
  const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(text) ?? [];
  if (namespace !== undefined && name !== undefined) return { namespace, name };
  throw invalid('--checkpoint-configmap', 'KUBEBLAME_CHECKPOINT_CONFIGMAP', `"${text}" is not NAMESPACE/NAME`);
}

const MINUTE_MS = 60_000;
/** A day: a timer cannot wait for more than 24 of them. */
const MAX_MINUTES = 1440;

function minutes(text: string, option: string, variable: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > MAX_MINUTES) {
    throw invalid(option, variable, `"${text}" is not a number of minutes from 1 to ${MAX_MINUTES}`);
  }
  return value;
}

function invalid(option: string, variable: string, what: string): KubeblameError {
  return new KubeblameError('config-invalid', `${option} (${variable}): ${what}`);
}

/** `host:port`, `:port` (all addresses), `[::1]:port`. */
export function parseAddress(text: string, option: string, variable: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) {
    throw invalid(option, variable, `"${text}" is not HOST:PORT, such as 0.0.0.0:8443 or [::1]:8443`);
  }
  const host = match[1] ?? match[2] ?? '';
  return { host: host === '' ? '0.0.0.0' : host, port };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
