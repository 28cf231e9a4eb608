import assert from 'node:assert/strict';
import { Metrics } from './metrics.ts';

describe('metrics', () => {
  const seenByTheWatch: number[] = [];
  const metrics = (): Metrics =>
    new Metrics({
      queueDepth: () => 3,
      pending: () => Promise.resolve({ count: 2, oldestAt: 90_000 }),
      ledger: () => Promise.resolve({ changes: 7, bytes: 4096 }),
      events: () =>
        Promise.resolve({ events: 5, states: 9, merged: 0, summed: 1, removed: 0, horizonAt: 60_000, bytes: 4_000 }),
      watchLagMs: () => 1_500,
      clockAheadMs: () => 0,
      leaseHeld: () => true,
      unsentSince: () => null,
      ledgerDamaged: () => false,
      certificateExpiresAt: () => 200_000,
      redactionRules: ['configmaps data.password', 'configmaps data["a.b"]'],
      apiServerNetworks: () => 2,
      redacted: () => seenByTheWatch.splice(0),
      now: () => 100_000,
    });
  const value = async (from: Metrics, name: string): Promise<string | undefined> =>
    (await from.registry.metrics())
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1);

  it('opens a gap with the event that begins it, and closes that one alone', async () => {
    const told = metrics();
    const gaps = (): Promise<(string | undefined)[]> =>
      Promise.all(
        ['unregistered', 'unreachable'].map((cause) => value(told, `kubeblame_coverage_gap{cause="${cause}"}`)),
      );
    assert.deepEqual(await gaps(), ['0', '0']);
    told.covered('unregistered');
    told.covered('unreachable');
    told.covered('alive');
    assert.deepEqual(await gaps(), ['1', '1']);
    told.covered('registered');
    assert.deepEqual(await gaps(), ['0', '1']);
    told.covered('reached');
    assert.deepEqual(await gaps(), ['0', '0']);
  });

  it('counts what each redaction rule has matched, also nothing', async () => {
    const told = metrics();
    const matches = async (): Promise<(string | undefined)[]> => {
      const text = await told.registry.metrics();
      return text.split('\n').filter((line) => line.startsWith('kubeblame_redaction_rule_matches_total'));
    };
    const name = 'kubeblame_redaction_rule_matches_total';
    const lines = (first: number): string[] => [
      `${name}{rule="configmaps data.password"} ${first}`,
      `${name}{rule="configmaps data[\\"a.b\\"]"} 0`,
    ];
    assert.deepEqual(await matches(), lines(0));
    told.redacted([2, 0]);
    seenByTheWatch.push(3, 0);
    assert.deepEqual(await matches(), lines(5));
    assert.deepEqual(await matches(), lines(5));
  });

  it('counts the gaps, also those that are over before anybody looks', async () => {
    const told = metrics();
    const count = (cause: string): Promise<string | undefined> =>
      value(told, `kubeblame_coverage_gaps_total{cause="${cause}"}`);
    assert.deepEqual([await count('unregistered'), await count('unreachable')], ['0', '0']);
    for (const event of ['unregistered', 'registered', 'unregistered', 'registered', 'alive'] as const)
      told.covered(event);
    assert.deepEqual([await count('unregistered'), await count('unreachable')], ['2', '0']);
  });

  it('tells how often the server stood still, and how many requests the API server let go on, apart', async () => {
    const told = metrics();
    told.stoodStill();
    told.miss('no-answer', 22);
    const names = [
      'standstills_total',
      'requests_missed_total{reason="no-answer"}',
      'requests_missed_total{reason="match-conditions"}',
    ];
    assert.deepEqual(await Promise.all(names.map((name) => value(told, `kubeblame_${name}`))), ['1', '22', '0']);
  });

  it('asks its sources when it is read, in base units', async () => {
    const told = metrics();
    assert.deepEqual(
      await Promise.all(
        [
          'kubeblame_queue_depth',
          'kubeblame_pending_outcomes',
          'kubeblame_pending_outcome_oldest_age_seconds',
          'kubeblame_ledger_changes',
          'kubeblame_ledger_bytes',
          'kubeblame_watch_lag_seconds',
          'kubeblame_certificate_expiry_timestamp_seconds',
        ].map((name) => value(told, name)),
      ),
      ['3', '2', '10', '7', '4096', '1.5', '200'],
    );
  });
});
