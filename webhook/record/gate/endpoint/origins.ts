import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** Where reviews may come from. */
export interface Trust {
  /** Addresses, and networks as `10.0.0.0/8`; none: nothing is known of where the API servers are. */
  networks: readonly string[];
  /** Whether reviews from elsewhere are turned away; otherwise they are only counted. */
  enforced: boolean;
}

/** Tells whether a request comes from the address of an API server. */
export class Origins {
  private list = new BlockList();
  private trust: Trust = { networks: [], enforced: false };

  /** What counts from now on. */
  accept(trust: Trust): void {
    this.trust = trust;
    this.list = new BlockList();
    for (const network of trust.networks) {
      const { address, family, prefix } = networkOf(network);
      this.list.addSubnet(address, prefix, family);
    }
  }

  /** Whether the request comes from another address than those of the API servers: '' where not, or where none is known. */
  elsewhere({ socket }: IncomingMessage): string {
    const address = socket.remoteAddress ?? '';
    if (this.trust.networks.length === 0 && !this.trust.enforced) return '';
    // An IPv4 address that comes by an IPv6 socket is compared as what it is.
    const known = isIP(address) !== 0 && this.list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
    return known ? '' : address;
  }

  get enforced(): boolean {
    return this.trust.enforced;
  }
}

/** Reads an address or a network. Throws RangeError where it is neither. */
export function networkOf(text: string): { address: string; family: 'ipv4' | 'ipv6'; prefix: number } {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  const bits = version === 4 ? 32 : 128;
  const length = prefix === undefined ? bits : Number(prefix);
  const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && length <= bits);
  if (version === 0 || rest.length > 0 || !isPrefix || address.includes('%')) {
    throw new RangeError(`"${text}" is neither an address nor a network such as 10.0.0.0/8`);
  }
  return { address, family: version === 4 ? 'ipv4' : 'ipv6', prefix: length };
}
