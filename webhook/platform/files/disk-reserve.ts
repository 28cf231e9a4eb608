import { randomBytes } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { allocateDurably, freeBytes } from './durable-file.ts';

/** Without bodies, a request takes some 400 bytes of the ledger: this is enough for some thirty thousand. */
export const RESERVE_BYTES = 16 * 1024 * 1024;
/** It is made where so much more is free: the spool and the ledger's log need room, too. */
const MARGIN_BYTES = 24 * 1024 * 1024;
/** How often it is looked whether there is room again. */
const LOOK_MS = 1_000;
/** Bytes that no file system makes smaller. */
const CHUNK = randomBytes(64 * 1024);

export interface DiskReserveOptions {
  /** The ledger's path: the reserve stands beside it. */
  db: string;
  bytes: number;
  /** The present (ms). */
  now: () => number;
}

/** Told that the disk is full, or that there is room again, since a moment (ms). */
export type DiskListener = (isFull: boolean, since: number) => void;

/**
 * A file beside the ledger that only takes room. When the disk is full it is removed, and what it leaves is for the least that must be
 * recorded: who asked for what, and when. Made anew as soon as there is room for it again; until then the disk counts as full.
 * docs/decisions/0047.
 */
export class DiskReserve {
  private readonly path: string;
  private isThere: boolean;
  /** Since when the disk is full (ms). */
  private fullSince: number | null = null;
  private listener: DiskListener = () => undefined;
  private making: Promise<void> | null = null;
  private readonly timer: NodeJS.Timeout;

  private constructor(private readonly options: DiskReserveOptions) {
    this.path = `${options.db}-reserve`;
    this.isThere = (statSync(this.path, { throwIfNoEntry: false })?.size ?? 0) >= options.bytes;
    this.timer = setInterval(() => void this.tend(), LOOK_MS);
  }

  /** Takes the reserve that an earlier process has made, or makes one. Where there is no room for it, the disk is full. */
  static async open(options: DiskReserveOptions): Promise<DiskReserve> {
    const reserve = new DiskReserve(options);
    if (!reserve.isThere && !(await reserve.hasRoom())) reserve.spend();
    void reserve.tend();
    return reserve;
  }

  /** Whether only the least is to be recorded. */
  get isFull(): boolean {
    return this.fullSince !== null;
  }

  /** Tells the listener of what is, where that is a full disk, and of what comes. */
  tell(listener: DiskListener): void {
    this.listener = listener;
    if (this.fullSince !== null) listener(true, this.fullSince);
  }

  /** The disk has refused a write: gives the reserve back. */
  spend(): void {
    this.giveBack();
    if (this.fullSince !== null) return;
    this.fullSince = this.options.now();
    this.listener(true, this.fullSince);
  }

  /** Leaves the reserve where it is. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.making;
  }

  private giveBack(): void {
    this.isThere = false;
    try {
      rmSync(this.path, { force: true });
    } catch {
      // A disk that fails is told of by whoever writes to it.
    }
  }

  private async hasRoom(): Promise<boolean> {
    return (await freeBytes(dirname(this.path))) >= this.options.bytes + MARGIN_BYTES;
  }

  /** Makes the reserve, where it is not there and has room. */
  private tend(): Promise<void> {
    if (this.isThere) return Promise.resolve();
    return (this.making ??= this.make().finally(() => (this.making = null)));
  }

  private async make(): Promise<void> {
    try {
      if (!(await this.hasRoom())) return;
      await allocateDurably(this.path, this.options.bytes, CHUNK);
    } catch {
      // There was less room than it seemed; the next look may find more.
      return;
    }
    this.isThere = true;
    if (this.fullSince === null) return;
    this.fullSince = null;
    this.listener(false, this.options.now());
  }
}
