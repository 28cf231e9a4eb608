import { collectDefaultMetrics, Registry } from 'prom-client';
import { createAuthority, issueServingCertificate } from '../../../certs/certificates.ts';
import type { Address } from '../../platform/http/listener.ts';
import { KubeblameError } from '../../../shared/errors.ts';
import { sendFailure } from '../../platform/http/http.ts';
import { drain, listen, listener } from '../../platform/http/listener.ts';
import { addBuildInfo, addLeaseHeld } from '../recorder/metrics/metrics.ts';

const VALID_DAYS = 3650;

/** What a standby answers at the admission endpoint: probes and metrics. Nobody sends reviews to it. */
export class WaitingRoom {
  /** Who has the Lease; '' while that is not known. */
  holder = '';
  /** Why the standby must not be called ready; '' for nothing. */
  problem = '';
  /** Why this server never takes a turn; '' where it may. */
  spare = '';

  private constructor(private readonly server: ReturnType<typeof listener>) {}

  /** Rejects with config-invalid. */
  static async open(address: Address): Promise<WaitingRoom> {
    // The kubelet does not verify it, nor does Prometheus; the real one is read when the turn has come.
    const authority = await createAuthority({ now: new Date(), validDays: VALID_DAYS });
    const names = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] };
    const pair = await issueServingCertificate(authority, { now: new Date(), validDays: VALID_DAYS, ...names });
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    addBuildInfo(registry);
    addLeaseHeld(registry, () => false);
    const server = listener({ cert: pair.certificate, key: pair.privateKey }, (request, response) => {
      const send = (status: number, type: string, text: string): void =>
        void response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) }).end(text);
      const path = (request.url ?? '').split('?')[0];
      if (path === '/livez') send(200, 'text/plain', 'ok\n');
      else if (path === '/readyz') send(room.problem + room.spare === '' ? 200 : 503, 'text/plain', room.text);
      else if (path === '/metrics') void registry.metrics().then((text) => send(200, registry.contentType, text));
      else sendFailure(response, new KubeblameError('closing', `this server is a standby: ${room.holder} records`));
    });
    const room = new WaitingRoom(server);
    await listen(server, address, '--listen');
    return room;
  }

  get text(): string {
    if (this.spare !== '') return `[-]standby: ${this.spare}\n`;
    const standby = `[+]standby: ${this.holder === '' ? 'the lease is asked for' : `${this.holder} holds the lease`}\n`;
    return this.problem === '' ? standby : `${standby}[-]label of the pod: ${this.problem}\n`;
  }

  close(): Promise<void> {
    return drain(this.server);
  }
}
