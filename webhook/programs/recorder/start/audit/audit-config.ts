import { readFileSync } from 'node:fs';
import { Option } from 'commander';
import { KubeblameError, messageOf } from '../../../../../shared/errors.ts';
import type { Address } from '../../../../platform/http/listener.ts';

/** Where the API server's audit log comes from. */
export interface AuditConfig {
  /** Files that are followed. */
  logs: string[];
  /** Where the API server's audit webhook posts, and how it proves itself; null: it does not. */
  webhook: { listen: Address; proof: { by: 'path'; secret: string } | { by: 'certificate'; ca: Buffer } } | null;
}

/** Options of `serve` about the audit log. */
export function auditOptions(): Option[] {
  return [
    new Option(
      '--audit-log <files>',
      "audit logs of the cluster's API servers, separated by commas, which are followed as they grow and are rotated",
    ).env('KUBEBLAME_AUDIT_LOG'),
    new Option('--audit-listen <host:port>', "where the API server's audit webhook posts: docs/audit-logs.md").env(
      'KUBEBLAME_AUDIT_LISTEN',
    ),
    new Option(
      '--audit-path-secret-file <file>',
      'secret that the path ends in to which the audit webhook posts: /audit/SECRET',
    ).env('KUBEBLAME_AUDIT_PATH_SECRET_FILE'),
    new Option(
      '--audit-client-ca <file>',
      'CA of the client certificate that the audit webhook must present, PEM; it then posts to /audit',
    ).env('KUBEBLAME_AUDIT_CLIENT_CA'),
  ];
}

export interface RawAuditOptions {
  auditLog?: string;
  auditListen?: string;
  auditPathSecretFile?: string;
  auditClientCa?: string;
}

/** Checks the options. Throws config-invalid, naming the option and what was expected. */
export function auditConfig(
  { auditLog, auditListen, auditPathSecretFile, auditClientCa }: RawAuditOptions,
  addressOf: (text: string, option: string, variable: string) => Address,
): AuditConfig {
  const logs = (auditLog ?? '').split(',').map((name) => name.trim()).filter((name) => name !== ''); // prettier-ignore
  if (auditListen === undefined) {
    if ((auditPathSecretFile ?? auditClientCa) === undefined) return { logs, webhook: null };
    throw invalid('--audit-listen', 'KUBEBLAME_AUDIT_LISTEN', 'it is not given, and nothing else needs what the audit webhook proves itself by'); // prettier-ignore
  }
  const listen = addressOf(auditListen, '--audit-listen', 'KUBEBLAME_AUDIT_LISTEN');
  if ((auditPathSecretFile === undefined) === (auditClientCa === undefined)) {
    const what =
      'whoever reaches it could add to the ledger: give one of --audit-path-secret-file and --audit-client-ca';
    throw invalid('--audit-listen', 'KUBEBLAME_AUDIT_LISTEN', what);
  }
  if (auditClientCa !== undefined) {
    const ca = read(auditClientCa, '--audit-client-ca', 'KUBEBLAME_AUDIT_CLIENT_CA');
    return { logs, webhook: { listen, proof: { by: 'certificate', ca } } };
  }
  const [option, variable] = ['--audit-path-secret-file', 'KUBEBLAME_AUDIT_PATH_SECRET_FILE'];
  const secret = read(auditPathSecretFile ?? '', option, variable)
    .toString()
    .trim();
  if (!/^[A-Za-z0-9._~-]{16,}$/.test(secret)) {
    throw invalid(option, variable, 'a secret has at least 16 characters: letters, digits, and . _ ~ -');
  }
  return { logs, webhook: { listen, proof: { by: 'path', secret } } };
}

function read(file: string, option: string, variable: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw invalid(option, variable, messageOf(error));
  }
}

function invalid(option: string, variable: string, what: string): KubeblameError {
  return new KubeblameError('config-invalid', `${option} (${variable}): ${what}`);
}
