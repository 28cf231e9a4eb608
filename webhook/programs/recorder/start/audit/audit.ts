import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messageOf } from '../../../../../shared/errors.ts';
import { drain, listen, listener, type Address } from '../../../../platform/http/listener.ts';
import type { ServingPair } from '../../../../platform/http/tls.ts';
import type { Recorder } from '../../../../record/capture/recorder/recorder.ts';
import { auditEndpoint } from '../../../../record/sources/audit/audit-endpoint.ts';
import { AuditIntake, type AuditResult } from '../../../../record/sources/audit/audit-intake.ts';
import { followLines } from '../../../../record/sources/audit/follow.ts';
import type { AuditConfig } from './audit-config.ts';

/** How often a file that is followed is looked at, and a batch that the ledger did not take is tried again. */
const LOOK_MS = 1_000;

export interface RunningAudit {
  /** Where the audit webhook posts; null where it does not. */
  address: Address | null;
  /** The certificate was renewed. */
  renew(serving: ServingPair): void;
  close(): Promise<void>;
}

export interface AuditParts {
  recorder: Recorder;
  serving: ServingPair;
  log: Logger;
  now: () => number;
  /** Told of each event, and of what became of it. */
  count: (result: AuditResult) => void;
}

/** Takes in what the API server's audit log tells from now on. Rejects with config-invalid where it cannot listen. */
export async function startAudit(
  { logs, webhook }: AuditConfig,
  { recorder, serving, log, now, count }: AuditParts,
): Promise<RunningAudit> {
  const bad = (error: Error): void => log.warn({ reason: error.message }, 'audit event not used');
  const intake = new AuditIntake({ recorder, now, bad, count });
  const ending = new AbortController();
  const following = logs.map((file) => followAudit(file, intake, ending.signal, (error) => {
    log.error({ file, reason: messageOf(error) }, 'audit log not taken in, trying again');
  })); // prettier-ignore
  const tls = webhook?.proof.by === 'certificate' ? { ca: webhook.proof.ca, requestCert: true, rejectUnauthorized: true } : {}; // prettier-ignore
  const server = webhook === null ? null : listener({ ...serving, ...tls }, auditEndpoint(intake, webhook.proof));
  const address = server === null || webhook === null ? null : await listen(server, webhook.listen, '--audit-listen');
  return {
    address,
    renew: (pair) => server?.setSecureContext({ ...pair, ...tls }),
    close: async () => {
      ending.abort();
      await Promise.all([...following, server === null ? undefined : drain(server)]);
    },
  };
}

/** Takes in a file that grows, until the signal ends it. What the ledger does not take is given to it again. */
export async function followAudit(
  file: string,
  intake: AuditIntake,
  signal: AbortSignal,
  failing: (error: unknown) => void,
): Promise<void> {
  const wait = (): Promise<void> => sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  while (!signal.aborted) {
    try {
      for await (const lines of followLines(file, { signal, wait })) {
        while (!signal.aborted) {
          try {
            await intake.lines(lines);
            break;
          } catch (error) {
            failing(error);
            await wait();
          }
        }
      }
    } catch (error) {
      failing(error);
      await wait();
    }
  }
}
