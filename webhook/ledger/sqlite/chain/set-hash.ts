import { createHash } from 'node:crypto';
import { Link, type ChainedChange, type ChainedCoverage, type ChainedKind, type ChainedOutcome } from './chain.ts';

/** 1,024 numbers of 16 bits: the lthash16 parameters of the paper below, with about 200 bits of security. */
export const SET_HASH_BYTES = 2_048;

const NOTHING = Buffer.alloc(0);

/**
 * A hash over a set of rows that does not depend on their order, and from which a row can be taken out again: so a fold
 * needs to read only the rows that it changes, however many others remain. Each row's SHA-256 is expanded to 1,024 numbers,
 * and the rows' numbers are added up modulo 2^16.
 * LtHash: Lewi, Kim, Maykov, Weis: Securing Update Propagation with Homomorphic Hashing, 2019, https://eprint.iacr.org/2019/227.
 */
export class SetHash {
  private readonly sums: Uint16Array;

  /** Of no rows, or going on from the bytes of another. */
  constructor(from?: Buffer) {
    this.sums = new Uint16Array(SET_HASH_BYTES / 2);
    for (let lane = 0; from !== undefined && lane < this.sums.length; lane++) {
      this.sums[lane] = from.readUInt16LE(2 * lane);
    }
  }

  get bytes(): Buffer {
    const bytes = Buffer.alloc(SET_HASH_BYTES);
    for (const [lane, sum] of this.sums.entries()) bytes.writeUInt16LE(sum, 2 * lane);
    return bytes;
  }

  // Each row once: `sign` 1 puts it in, -1 takes it out.

  change(row: ChainedChange, sign: 1 | -1): void {
    this.row(sign, 0, 0, (link) => link.change(row));
  }

  outcome(row: ChainedOutcome & { commitId: number }, sign: 1 | -1): void {
    this.row(sign, row.commitId, 0, (link) => link.outcome(row));
  }

  coverage(row: ChainedCoverage & { commitId: number; id: number }, sign: 1 | -1): void {
    this.row(sign, row.commitId, row.id, (link) => link.coverage(row));
  }

  kind(row: ChainedKind & { commitId: number }, sign: 1 | -1): void {
    this.row(sign, row.commitId, 0, (link) => link.kind(row));
  }

  ledger(id: Buffer, cluster: string, createdAt: number): void {
    this.row(1, 0, createdAt, (link) => link.ledger(id, cluster));
  }

  /** What a row is told apart by, besides what is in it: its commit and its number there. */
  private row(sign: 1 | -1, commit: number, number: number, add: (link: Link) => void): void {
    const link = new Link(NOTHING, commit, number, 0);
    add(link);
    const lanes = createHash('shake256', { outputLength: SET_HASH_BYTES }).update(link.digest()).digest();
    const { sums } = this;
    for (let lane = 0; lane < sums.length; lane++) {
      // A Uint16Array keeps the sum modulo 2^16.
      sums[lane] = (sums[lane] ?? 0) + sign * ((lanes[2 * lane] ?? 0) | ((lanes[2 * lane + 1] ?? 0) << 8));
    }
  }
}
