import { constants } from 'node:zlib';
import { DeflateRaw } from 'minizlib';
import { deflateOptions } from './payload.ts';
import { ReusedStream } from './reused-stream.ts';

/**
 * Compresses as `compress` does, with streams that are used again. In some texts it finds another match, so that the bytes
 * may differ: what they inflate to is the same (docs/decisions/0055).
 */
export class Deflater {
  private readonly streams = new Map<object, ReusedStream>();

  compress(text: string): Buffer {
    const options = deflateOptions(text);
    let stream = this.streams.get(options);
    if (stream === undefined) {
      stream = new ReusedStream(() => new DeflateRaw({ ...options, flush: constants.Z_FINISH }));
      this.streams.set(options, stream);
    }
    return stream.run(text);
  }
}
