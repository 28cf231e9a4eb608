/** Looks up by a key; what is asked for in one turn of the event loop is read at once. */
export class Batched<Key, Value> {
  private waiting: { key: Key; resolve: (value: Value) => void; reject: (error: unknown) => void }[] = [];

  /** `read` gives the values in the order of the keys. */
  constructor(private readonly read: (keys: Key[]) => Promise<Value[]>) {}

  load(key: Key): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ key, resolve, reject });
      // Behind all that is asked for by what is settled now.
      if (this.waiting.length === 1) setImmediate(() => void this.run());
    });
  }

  private async run(): Promise<void> {
    const { waiting } = this;
    this.waiting = [];
    try {
      const values = await this.read(waiting.map(({ key }) => key));
      for (const [index, { resolve }] of waiting.entries()) resolve(values[index] as Value);
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }
}
