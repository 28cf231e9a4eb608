import assert from 'node:assert/strict';
import pino from 'pino';
import { Health, type HealthOptions } from './health.ts';
import type { Metrics } from './metrics/metrics.ts';

const metrics = { count: () => undefined } as unknown as Metrics;

function health(options: Partial<HealthOptions>): Health {
  const checks = { checkSpool: () => undefined, checkLedger: () => Promise.resolve() };
  return new Health({ log: pino({ enabled: false }), metrics, ...checks, ...options });
}

describe('readiness', () => {
  it('is there while reviews are taken, also where the ledger cannot be written: the spool keeps them', async () => {
    const checkLedger = (): Promise<void> => Promise.reject(new Error('database or disk is full'));
    assert.deepEqual(await health({ checkLedger }).readiness(), {
      ready: true,
      text: '[+]serving ok\n[+]spool ok\n[!]ledger: database or disk is full\n[+]losses none\n',
    });
  });

  it('does not wait behind what keeps the ledger busy', async () => {
    const checkLedger = (): Promise<void> => new Promise(() => undefined);
    assert.deepEqual(await health({ checkLedger }).readiness(), {
      ready: true,
      text: '[+]serving ok\n[+]spool ok\n[!]ledger busy: reviews wait in the spool\n[+]losses none\n',
    });
  });

  it('is not there where the spool takes nothing', async () => {
    const checkSpool = (): void => {
      throw new Error('the spool cannot be written: ENOSPC');
    };
    assert.deepEqual(await health({ checkSpool }).readiness(), {
      ready: false,
      text: '[+]serving ok\n[-]spool: the spool cannot be written: ENOSPC\n[+]ledger ok\n[+]losses none\n',
    });
  });
});
