/*
 * Cuts the answer to a list into its items as the bytes arrive: a page of large objects is never in memory as a whole,
 * and may be longer than the longest string that Node allows (512 MiB).
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const ITEMS = Buffer.from('"items"');

/** Nesting within the list document: its members are at 1, the members of `items` begin at 2. */
const MEMBERS = 1;
const IN_ITEMS = 2;

/** Splits one list document (`{"kind": …, "metadata": …, "items": [ … ]}`), given to it in any pieces. */
export class ListSplitter {
  private depth = 0;
  private inString = false;
  /** True where the next byte is escaped by the last one of the piece before. */
  private escaped = false;
  private inItems = false;
  /** The last string at the document's own level: the name of the member that follows. */
  private key: Buffer = Buffer.alloc(0);
  /** What has come of the item, or of the string at the document's own level, that is not whole yet. */
  private item: Buffer[] = [];
  private string: Buffer[] = [];
  private readonly outside: Buffer[] = [];

  /** Takes the next bytes. Returns the items that are whole by them, each the JSON text of one object. */
  take(chunk: Buffer): Buffer[] {
    const items: Buffer[] = [];
    /** Where the present item, the present string, and what is outside of the items begin in this chunk. */
    let itemFrom = this.inItems && this.depth > IN_ITEMS ? 0 : -1;
    let stringFrom = this.inString && this.depth === MEMBERS ? 0 : -1;
    let outsideFrom = this.inItems && this.depth >= IN_ITEMS ? -1 : 0;
    for (let at = 0; at < chunk.length; at++) {
      if (this.inString) {
        at = this.endOfString(chunk, at);
        if (at === chunk.length) break;
        this.inString = false;
        if (stringFrom >= 0) {
          this.key = Buffer.concat([...this.string, chunk.subarray(stringFrom, at + 1)]);
          this.string = [];
          stringFrom = -1;
        }
        continue;
      }
      const byte = chunk[at];
      if (byte === QUOTE) {
        this.inString = true;
        if (this.depth === MEMBERS) stringFrom = at;
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (byte === OPEN_BRACKET && this.depth === MEMBERS && this.key.equals(ITEMS)) {
          this.inItems = true;
          this.outside.push(Buffer.from(chunk.subarray(outsideFrom, at + 1)));
          outsideFrom = -1;
        } else if (this.inItems && this.depth === IN_ITEMS) itemFrom = at;
        this.depth++;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        this.depth--;
        if (this.inItems && this.depth === IN_ITEMS) {
          items.push(Buffer.concat([...this.item, chunk.subarray(itemFrom, at + 1)]));
          this.item = [];
          itemFrom = -1;
        } else if (this.inItems && this.depth === MEMBERS) {
          this.inItems = false;
          outsideFrom = at;
        }
      }
    }
    if (itemFrom >= 0) this.item.push(Buffer.from(chunk.subarray(itemFrom)));
    if (stringFrom >= 0) this.string.push(Buffer.from(chunk.subarray(stringFrom)));
    if (outsideFrom >= 0) this.outside.push(Buffer.from(chunk.subarray(outsideFrom)));
    return items;
  }

  /** The JSON text of the document without its items. Call when all has come. */
  rest(): string {
    return Buffer.concat(this.outside).toString();
  }

  /** The index of the quote that ends a string; the chunk's length where it goes on. */
  private endOfString(chunk: Buffer, from: number): number {
    let at = from;
    if (this.escaped) {
      this.escaped = false;
      at++;
    }
    for (;;) {
      const quote = chunk.indexOf(QUOTE, at);
      const end = quote === -1 ? chunk.length : quote;
      // An odd number of backslashes before it escapes it.
      let slashes = 0;
      while (end - slashes > at && chunk[end - 1 - slashes] === BACKSLASH) slashes++;
      if (quote === -1) {
        this.escaped = slashes % 2 === 1;
        return chunk.length;
      }
      if (slashes % 2 === 0) return quote;
      at = quote + 1;
    }
  }
}
