import type { Logger } from 'pino';
import { messageOf } from '../../../shared/errors.ts';
import { clientTls, openAccess } from '../../ask/access/access.ts';
import type { GatewayConfig } from './config.ts';
import type { Address } from '../../platform/http/listener.ts';
import { drain, listen, listener } from '../../platform/http/listener.ts';
import { openApiClient } from '../../platform/kubernetes/api-client.ts';
import { readCertificate, watchCertificate } from '../../platform/http/tls.ts';
import { gateway } from './gateway.ts';
import { Upstream } from './upstream.ts';
import { Withdrawal, WITHDRAWAL_TIMING, type WithdrawalTiming } from './withdrawal.ts';

export interface RunningGateway {
  address: Address;
  stop(): Promise<void>;
}

/** Builds the gateway, and starts to serve. Rejects with config-invalid. */
export async function startGateway(
  config: GatewayConfig,
  log: Logger,
  timing: WithdrawalTiming = WITHDRAWAL_TIMING,
): Promise<RunningGateway> {
  let serving = readCertificate(config.tls);
  const access = await openAccess({ readToken: null, accessCluster: config.cluster, gatewayUser: null }, log, () => {
    server.setSecureContext({ ...serving, ...clientTls(access) });
    server.closeIdleConnections();
  });
  const { reviews, authenticate } = access;
  if (reviews === null) throw new Error('a cluster was given');
  const upstream = new Upstream(config.upstream);
  const server = listener({ ...serving, ...clientTls(access) }, gateway({ authenticate, reviews, upstream, log }));
  access.frontProxy?.guard(server);
  const unwatch = watchCertificate(
    config.tls,
    serving,
    (renewed) => {
      serving = renewed;
      server.setSecureContext({ ...serving, ...clientTls(access) });
      log.info({ cert: config.tls.cert }, 'certificate reloaded');
    },
    (error) => log.error({ cert: config.tls.cert, reason: messageOf(error) }, 'certificate not reloaded'),
  );
  const address = await listen(server, config.listen, '--listen');
  const { place } = config;
  const withdrawal =
    place === null ? null : new Withdrawal({ client: await openApiClient(config.cluster), place, timing, log });
  return {
    address,
    stop: async () => {
      // It still answers meanwhile.
      await withdrawal?.stop();
      unwatch();
      access.close();
      await drain(server);
      upstream.close();
    },
  };
}
