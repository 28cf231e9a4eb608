import { hash } from 'node:crypto';

/*
 * The Merkle tree of RFC 6962, section 2.1, over the chain's links: leaf n is the hash of commit n + 1. A checkpoint
 * signs its root. Only its right edge is kept: the roots of the complete subtrees, the largest first, of which a tree of
 * n leaves has as many as n has ones in binary.
 */

const HASH_BYTES = 32;
const LEAF = Buffer.from([0]);
const NODE = Buffer.from([1]);

const sha256 = (...parts: Buffer[]): Buffer => hash('sha256', Buffer.concat(parts), 'buffer');

export class MerkleTree {
  private constructor(
    private count: number,
    private readonly edge: Buffer[],
  ) {}

  static empty(): MerkleTree {
    return new MerkleTree(0, []);
  }

  /** Goes on from what `bytes` gave. Throws where these are not the edge of a tree of `size` leaves. */
  static from(size: number, bytes: Buffer): MerkleTree {
    const ones = [...size.toString(2)].filter((digit) => digit === '1').length;
    if (bytes.length !== ones * HASH_BYTES) {
      throw new RangeError(`${bytes.length} bytes are not the edge of a tree of ${size} leaves`);
    }
    const edge = Array.from({ length: ones }, (_, n) => bytes.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES));
    return new MerkleTree(size, edge);
  }

  get size(): number {
    return this.count;
  }

  /** The edge, to go on from. */
  get bytes(): Buffer {
    return Buffer.concat(this.edge);
  }

  add(leaf: Buffer): void {
    let node = sha256(LEAF, leaf);
    for (let full = this.count; full % 2 === 1; full = Math.floor(full / 2)) {
      node = sha256(NODE, this.edge.pop() ?? node, node);
    }
    this.edge.push(node);
    this.count++;
  }

  root(): Buffer {
    const [last, ...others] = [...this.edge].reverse();
    if (last === undefined) return sha256();
    return others.reduce((right, left) => sha256(NODE, left, right), last);
  }
}
