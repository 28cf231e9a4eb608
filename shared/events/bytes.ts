/** Writes small numbers and texts in few bytes: seven bits of a number in each byte, the lowest first. */
export class ByteWriter {
  private readonly parts: number[] = [];

  byte(value: number): void {
    this.parts.push(value);
  }

  /** A whole number of at least 0, up to 2^53. */
  unsigned(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.parts.push((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.parts.push(rest);
  }

  /** A whole number, up to 2^52 from 0. */
  signed(value: number): void {
    this.unsigned(value < 0 ? -value * 2 - 1 : value * 2);
  }

  text(value: string): void {
    const bytes = Buffer.from(value);
    this.unsigned(bytes.length);
    for (const byte of bytes) this.parts.push(byte);
  }

  bytes(): Buffer {
    return Buffer.from(this.parts);
  }
}

/** Reads what ByteWriter wrote. Throws RangeError where the bytes end too early. */
export class ByteReader {
  private place = 0;

  constructor(private readonly content: Uint8Array) {}

  get ended(): boolean {
    return this.place >= this.content.length;
  }

  byte(): number {
    const value = this.content[this.place++];
    if (value === undefined) throw new RangeError('the bytes end too early');
    return value;
  }

  unsigned(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }

  signed(): number {
    const value = this.unsigned();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  text(): string {
    const length = this.unsigned();
    const end = this.place + length;
    if (end > this.content.length) throw new RangeError('the bytes end too early');
    const text = Buffer.from(this.content.subarray(this.place, end)).toString();
    this.place = end;
    return text;
  }
}
