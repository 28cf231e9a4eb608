import { Option } from 'commander';
import { auditOptions, type RawAuditOptions } from '../recorder/start/audit/audit-config.ts';
import { DEFAULT_SKIP } from '../../record/rules/predicates.ts';
import { accessOptions, type RawAccessOptions } from './access.ts';
import { installOptions, type RawInstallOptions } from './install.ts';

/*
 * The options of the commands that record, each with the variable of the environment that it can be given in. config.ts checks
 * them, and alone reads process.env.
 */

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'];

/** Options of every command that writes to a ledger. */
export function ledgerOptions(): Option[] {
  return [
    new Option('--db <file>', 'ledger file; created where it does not exist')
      .env('KUBEBLAME_DB')
      .default('kubeblame.db'),
    new Option(
      '--key-file <file>',
      'key that Secret values are redacted with; created with the ledger (default: DB.key)',
    ).env('KUBEBLAME_KEY_FILE'),
    new Option(
      '--cluster <name>',
      "name of the cluster; kept in a new ledger (default: the cluster's own where it is watched, otherwise kubernetes)",
    ).env('KUBEBLAME_CLUSTER'),
    new Option('--skip <resources>', 'resources that are not recorded unless a rule includes them, separated by commas')
      .env('KUBEBLAME_SKIP')
      .default(DEFAULT_SKIP.join(',')),
    new Option('--config <file>', 'rules: which reviews to record, which values to redact (docs/configuration.md)').env(
      'KUBEBLAME_CONFIG',
    ),
  ];
}

/** Options of `serve`, besides. */
export function serverOptions(): Option[] {
  return [
    new Option(
      '--listen <host:port>',
      'where the API server calls the webhook; also /livez, /readyz, /metrics ' +
        '(default: 0.0.0.0:8443; 127.0.0.1:8443 where callers need no proof)',
    ).env('KUBEBLAME_LISTEN'),
    ...installOptions(),
    new Option('--read-listen <host:port>', 'where kubectl-blame reads; loopback, unless --read-access tells who asks')
      .env('KUBEBLAME_READ_LISTEN')
      .default('127.0.0.1:8444'),
    ...accessOptions(),
    new Option(
      '--kubeconfig <file>',
      "cluster to watch, so that attempts are settled by what was persisted (in a pod: the pod's own)",
    ).env('KUBEBLAME_KUBECONFIG'),
    new Option('--webhook-configuration <name>', 'the ValidatingWebhookConfiguration that sends reviews here')
      .env('KUBEBLAME_WEBHOOK_CONFIGURATION')
      .default('kubeblame'),
    new Option(
      '--otlp-endpoint <url>',
      'OpenTelemetry collector (OTLP over HTTP) that metrics and traces are sent to (default: none)',
    ).env('OTEL_EXPORTER_OTLP_ENDPOINT'),
    new Option(
      '--stream <target>',
      'send each commit off the machine as it is made: to a file (/path), an https:// URL, or otlp, the collector of ' +
        '--otlp-endpoint, as logs (default: none)',
    ).env('KUBEBLAME_STREAM'),
    new Option(
      '--otlp-logs',
      'send each change and each Kubernetes Event to the collector of --otlp-endpoint, as a log record (docs/events.md)',
    ).env('KUBEBLAME_OTLP_LOGS'),
    new Option('--stream-token-file <file>', 'bearer token for the https:// URL of --stream').env(
      'KUBEBLAME_STREAM_TOKEN_FILE',
    ),
    new Option(
      '--signing-key <file>',
      'key that checkpoints are signed with; made with a new ledger (default: DB.signing-key)',
    ).env('KUBEBLAME_SIGNING_KEY'),
    new Option('--checkpoint-minutes <minutes>', 'how often a checkpoint is signed, where something was recorded')
      .env('KUBEBLAME_CHECKPOINT_MINUTES')
      .default('10'),
    new Option(
      '--checkpoint-configmap <namespace/name>',
      'config map in the cluster that is watched, to keep the newest checkpoint in (default: none)',
    ).env('KUBEBLAME_CHECKPOINT_CONFIGMAP'),
    ...retentionOptions(),
    new Option(
      '--retain-events <age>',
      'keep Kubernetes Events so long, such as 30d; none: record none (docs/events.md)',
    )
      .env('KUBEBLAME_RETAIN_EVENTS')
      .default('30d'),
    new Option('--retain-events-size <size>', 'give up the oldest Events while they take more, such as 256Mi')
      .env('KUBEBLAME_RETAIN_EVENTS_SIZE')
      .default('256Mi'),
    ...auditOptions(),
    new Option('--log-level <level>', 'least severe log messages to write')
      .env('KUBEBLAME_LOG_LEVEL')
      .choices(LOG_LEVELS)
      .default('info'),
  ];
}

/** What of the history is kept; also of `fold`. */
export function retentionOptions(): Option[] {
  return [
    new Option('--retain-age <age>', 'fold history that is older, such as 90d: docs/verify.md').env(
      'KUBEBLAME_RETAIN_AGE',
    ),
    new Option(
      '--retain-size <size>',
      'fold the oldest history while the ledger is larger, such as 10Gi; first of users who flood it',
    ).env('KUBEBLAME_RETAIN_SIZE'),
    new Option(
      '--retain-security <age>',
      'keep what matters for security so long (default: 10 times --retain-age): rights, webhooks, Secrets, exec, deleted namespaces',
    ).env('KUBEBLAME_RETAIN_SECURITY'),
  ];
}

/** Values of the options above, as commander gives them. */
export interface RawOptions {
  db: string;
  keyFile?: string;
  cluster?: string;
  skip: string;
  config?: string;
}

export interface RawServerOptions extends RawOptions, RawInstallOptions, RawAccessOptions, RawAuditOptions {
  listen?: string;
  readListen: string;
  kubeconfig?: string;
  webhookConfiguration: string;
  otlpEndpoint?: string;
  stream?: string;
  otlpLogs?: boolean;
  streamTokenFile?: string;
  signingKey?: string;
  checkpointMinutes: string;
  checkpointConfigmap?: string;
  retainAge?: string;
  retainSize?: string;
  retainSecurity?: string;
  retainEvents: string;
  retainEventsSize: string;
  logLevel: string;
}
