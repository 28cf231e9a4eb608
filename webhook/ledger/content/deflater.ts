import { constants } from 'node:zlib';
import { DeflateRaw } from 'minizlib';
import { deflateOptions } from './payload.ts';

/**
 * Compresses as `compress` does, with streams that are used again: to set one up for each text takes as long as compressing it.
 * In some texts it finds another match, so that the bytes may differ: what they inflate to is the same (docs/decisions/0055).
 */
export class Deflater {
  private readonly streams = new Map<object, DeflateRaw>();

  compress(text: string): Buffer {
    const options = deflateOptions(text);
    const stream = this.streams.get(options) ?? new DeflateRaw({ ...options, flush: constants.Z_FINISH });
    // Put back when it has done its work: after an error it does no more.
    this.streams.delete(options);
    let failure: Error | null = null;
    const fail = (error: unknown): void => void (failure = error as Error);
    stream.once('error', fail);
    stream.write(text);
    const compressed = stream.read();
    stream.removeListener('error', fail);
    if (failure !== null) throw failure as Error;
    stream.reset();
    this.streams.set(options, stream);
    return compressed ?? Buffer.alloc(0);
  }
}
