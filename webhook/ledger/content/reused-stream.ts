import type { DeflateRaw, InflateRaw } from 'minizlib';

/**
 * A zlib stream that works on one text after the other: to set one up for each text takes as long as the work itself
 * (docs/decisions/0055). A stream that failed is not used again.
 */
export class ReusedStream {
  private stream: DeflateRaw | InflateRaw | null = null;

  /** The streams' `flush` has to be Z_FINISH: each text is whole. */
  constructor(private readonly make: () => DeflateRaw | InflateRaw) {}

  /** What the stream makes of a text. Throws where it cannot read it. */
  run(input: Buffer | string): Buffer {
    const stream = this.stream ?? this.make();
    // Put back when it has done its work: after an error it does no more.
    this.stream = null;
    let failure: Error | null = null;
    const fail = (error: unknown): void => void (failure = error as Error);
    stream.once('error', fail);
    stream.write(input);
    const output = stream.read();
    stream.removeListener('error', fail);
    if (failure !== null) throw failure as Error;
    stream.reset();
    this.stream = stream;
    return output ?? Buffer.alloc(0);
  }
}
