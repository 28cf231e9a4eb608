/**
 * What was used last, by key, up to a size: two generations, of which the older is let go as a whole. An LRU list costs more
 * than it saves where most lookups find something.
 */
export class TwoGenerationCache<T extends NonNullable<unknown> | null> {
  private young = new Map<string, { value: T; size: number }>();
  private old = new Map<string, { value: T; size: number }>();
  /** Of the young one. */
  private size = 0;

  /** `maxSize`: of both together, in what `set` is told. */
  constructor(private readonly maxSize: number) {}

  get(key: string): T | undefined {
    return (this.young.get(key) ?? this.old.get(key))?.value;
  }

  /** What is larger than a generation is not kept. */
  set(key: string, value: T, size: number): void {
    if (size > this.maxSize / 2) return;
    // What is replaced takes no room any more.
    this.size += size - (this.young.get(key)?.size ?? 0);
    if (this.size > this.maxSize / 2) {
      this.old = this.young;
      this.young = new Map();
      this.size = size;
    }
    this.young.set(key, { value, size });
  }
}
