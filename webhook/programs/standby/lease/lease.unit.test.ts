import assert from 'node:assert/strict';
import type { JsonObject } from '../../../../shared/types.ts';
import { ApiStatusError } from '../../../platform/kubernetes/api-client.ts';
import { Lease, type LeaseOptions } from './lease.ts';

/** An API server with one Lease. */
class Server {
  lease: JsonObject | null = null;
  private version = 0;
  /** Called before each write: another one's may come first. */
  before: () => void = () => undefined;

  readonly client = {
    get: () => (this.lease === null ? this.fail(404) : Promise.resolve(this.lease)),
    post: (_: string, body: JsonObject) => {
      this.before();
      return this.lease === null ? this.store(body) : this.fail(409);
    },
    put: (_: string, body: JsonObject) => {
      this.before();
      const { resourceVersion } = body.metadata as JsonObject;
      return resourceVersion === String(this.version) ? this.store(body) : this.fail(409);
    },
  } as unknown as LeaseOptions['client'];

  get spec(): JsonObject {
    return (this.lease?.spec ?? {}) as JsonObject;
  }

  change(): void {
    void this.store(this.lease ?? {});
  }

  private store(body: JsonObject): Promise<JsonObject> {
    this.lease = { ...body, metadata: { ...(body.metadata as JsonObject), resourceVersion: String(++this.version) } };
    return Promise.resolve(this.lease);
  }

  private fail(status: number): Promise<never> {
    return Promise.reject(new ApiStatusError(status, String(status)));
  }
}

describe('a Lease', () => {
  const { signal } = new AbortController();
  let server: Server;
  let elapsed: number;
  const lease = (identity: string, skewMs = 0): Lease =>
    new Lease({
      client: server.client,
      namespace: 'kubeblame',
      name: 'kubeblame',
      identity,
      timing: { durationMs: 15_000, retryMs: 2_000 },
      now: () => Date.parse('2026-03-03T14:30:00.123Z') + elapsed + skewMs,
      elapsed: () => elapsed,
    });
  beforeEach(() => {
    server = new Server();
    elapsed = 0;
  });

  it('is made by the first, and kept by it', async () => {
    const one = lease('one');
    assert.equal(await one.takeOrKeep(signal), 'one');
    assert.deepEqual(server.spec, {
      holderIdentity: 'one',
      leaseDurationSeconds: 15,
      acquireTime: '2026-03-03T14:30:00.123000Z',
      renewTime: '2026-03-03T14:30:00.123000Z',
      leaseTransitions: 0,
    });
    elapsed = 2_000;
    assert.equal(await one.takeOrKeep(signal), 'one');
    assert.deepEqual([server.spec.acquireTime, server.spec.renewTime, server.spec.leaseTransitions], ['2026-03-03T14:30:00.123000Z', '2026-03-03T14:30:02.123000Z', 0]); // prettier-ignore
  });

  it('is taken when it was seen unchanged for its whole duration, whatever the clocks say', async () => {
    const [one, two] = [lease('one'), lease('two', 3_600_000)];
    await one.takeOrKeep(signal);
    elapsed = 10_000;
    assert.equal(await two.takeOrKeep(signal), 'one');
    elapsed = 24_999;
    assert.equal(await two.takeOrKeep(signal), 'one', '14,999 ms after it was seen first');
    elapsed = 25_000;
    assert.equal(await two.takeOrKeep(signal), 'two');
    assert.equal(server.spec.leaseTransitions, 1);
    assert.equal(await one.takeOrKeep(signal), 'two', 'and the first one sees it');
  });

  it('is not taken while it is renewed', async () => {
    const [one, two] = [lease('one'), lease('two')];
    for (elapsed = 0; elapsed < 60_000; elapsed += 2_000) {
      assert.equal(await one.takeOrKeep(signal), 'one');
      assert.equal(await two.takeOrKeep(signal), 'one');
    }
  });

  it('is kept by a container that was started again in the same pod', async () => {
    await lease('one').takeOrKeep(signal);
    assert.equal(await lease('one').takeOrKeep(signal), 'one');
    assert.equal(server.spec.leaseTransitions, 0);
  });

  it('is free at once for others when it was released, by its holder alone', async () => {
    const [one, two] = [lease('one'), lease('two')];
    await one.takeOrKeep(signal);
    await two.release(signal);
    assert.equal(await two.takeOrKeep(signal), 'one');
    await one.release(signal);
    assert.deepEqual([server.spec.holderIdentity, server.spec.leaseDurationSeconds], ['', 1]);
    assert.equal(await two.takeOrKeep(signal), 'two');
    await lease('three').release(signal);
    assert.equal(server.spec.holderIdentity, 'two');
  });

  it('is not taken by who was slower: the next try tells who has it', async () => {
    const [one, two] = [lease('one'), lease('two')];
    // Made by somebody else between the look and the write.
    server.before = () => {
      server.before = () => undefined;
      server.lease = { spec: { holderIdentity: 'other', leaseDurationSeconds: 15 }, metadata: {} };
      server.change();
    };
    assert.equal(await one.takeOrKeep(signal), '');
    assert.equal(await one.takeOrKeep(signal), 'other');
    await lease('other').release(signal);
    server.before = () => {
      server.before = () => undefined;
      server.change();
    };
    assert.equal(await two.takeOrKeep(signal), '', 'changed since it was read');
    assert.equal(await two.takeOrKeep(signal), 'two');
  });
});
