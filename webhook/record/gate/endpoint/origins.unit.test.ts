import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { Origins } from './origins.ts';

const from = (remoteAddress: string | undefined): IncomingMessage => ({ socket: { remoteAddress } }) as IncomingMessage;

describe('where a review comes from', () => {
  const origins = new Origins();
  const elsewhere = (networks: string[], addresses: (string | undefined)[], enforced = true): string[] => {
    origins.accept({ networks, enforced });
    return addresses.map((address) => origins.elsewhere(from(address)));
  };

  it('is an address of the networks, or elsewhere', () => {
    const networks = ['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '2001:db8::1'];
    const inside = ['10.255.0.1', '192.0.2.7', 'fd12::1', '2001:db8::1', '2001:db8:0:0::1', '::ffff:10.1.2.3'];
    assert.deepEqual(
      elsewhere(networks, inside),
      inside.map(() => ''),
    );
    const outside = ['11.0.0.1', '192.0.2.8', 'fe80::1', '2001:db8::2', '::ffff:11.1.2.3', '127.0.0.1'];
    assert.deepEqual(elsewhere(networks, outside), outside);
  });

  it('is nothing where no address is known, and elsewhere by nothing where one must be', () => {
    assert.deepEqual(elsewhere([], ['10.0.0.1'], false), ['']);
    assert.deepEqual(elsewhere(['10.0.0.0/8'], ['10.0.0.1', '11.0.0.1'], false), ['', '11.0.0.1']);
  });

  it('is unlimited by a network of everything', () => {
    assert.deepEqual(elsewhere(['0.0.0.0/0'], ['8.8.8.8']), ['']);
  });
});
