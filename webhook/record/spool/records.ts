import { crc32 } from 'node:zlib';
import { MAX_BODY_BYTES } from '../review/body.ts';

/*
 * A review as it lies in the spool: a header, then its body.
 *
 *   u32 length of the body · u32 CRC-32 of all but these two · u32 flags · f64 number · f64 time (ms) · body
 *
 * Little-endian. The checksum begins with the ledger's own number, so that nothing is taken into another ledger. Numbers
 * count up, and are never given twice: what stands where a number's record should be, and is not it, is from an earlier
 * use of the file, or was cut off before anybody was answered.
 */

export const HEADER_BYTES = 28;
/** No body is larger: what says so is no record. Redacting may make one larger than it was received. */
export const MAX_SPOOLED_BYTES = 2 * MAX_BODY_BYTES;
const CHECKED_FROM = 8;
const REDACTED = 1;

export interface Spooled {
  number: number;
  /** When it was received (ms). */
  at: number;
  /** Its confidential values were replaced before it came here. */
  redacted: boolean;
  /** An AdmissionReview, as JSON. */
  body: Buffer;
}

/** The header that goes before a review's body. */
export function headerOf({ number, at, redacted, body }: Spooled, ledger: number): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt32LE(body.length, 0);
  header.writeUInt32LE(redacted ? REDACTED : 0, 8);
  header.writeDoubleLE(number, 12);
  header.writeDoubleLE(at, 20);
  header.writeUInt32LE(checksum(header, body, ledger), 4);
  return header;
}

/** How long the body behind a header is; null where the header is not that of a number. */
export function bodyBytes(header: Buffer, number: number | null): number | null {
  if (header.length < HEADER_BYTES || (number !== null && header.readDoubleLE(12) !== number)) return null;
  return header.readUInt32LE(0);
}

/** The number in the header that begins at an offset; any number where none does. */
export function numberAt(bytes: Buffer, offset: number): number {
  return bytes.readDoubleLE(offset + 12);
}

/** No record: it stands behind the last one. */
export const END = Buffer.alloc(HEADER_BYTES);

/** True where nothing follows: the last record was written in order, and there is none after it. */
export function isEnd(bytes: Buffer): boolean {
  return bytes.length < HEADER_BYTES || bytes.subarray(0, HEADER_BYTES).equals(END);
}

/** null where the two do not belong together, or not to this ledger. */
export function spooledOf(header: Buffer, body: Buffer, ledger: number): Spooled | null {
  if (checksum(header, body, ledger) !== header.readUInt32LE(4)) return null;
  const redacted = (header.readUInt32LE(8) & REDACTED) !== 0;
  return { number: header.readDoubleLE(12), at: header.readDoubleLE(20), redacted, body };
}

/** What tells one ledger's records from another's. */
export function ledgerNumber(id: Uint8Array): number {
  return crc32(id);
}

/** The body first: Node's crc32 of nothing is 0, whatever it continues. */
function checksum(header: Buffer, body: Uint8Array, ledger: number): number {
  const ofBody = body.length === 0 ? ledger : crc32(body, ledger);
  return crc32(header.subarray(CHECKED_FROM), ofBody);
}
