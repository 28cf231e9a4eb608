import { closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import type { Logger } from 'pino';
import { messageOf } from '../../../shared/errors.ts';
import { readCheckpoint, signCheckpoint, splitNotes, type TreeHead } from '../proof/checkpoint.ts';
import { signingKey } from './signing-keys.ts';
import type { Signer } from '../proof/note.ts';
import { syncFolderOf } from '../../platform/files/durable-file.ts';

export interface CheckpointOptions {
  /** What there is to sign. */
  head: () => Promise<TreeHead>;
  /** Where checkpoints are kept, one after another. */
  file: string;
  /** The signing key's file. */
  keyFile: string;
  everyMs: number;
  log: Logger;
  /** Keeps the newest somewhere else: in the cluster. */
  publish?: (note: string) => Promise<void>;
}

/**
 * Signs checkpoints of the ledger: at the start, at intervals, and at the end, where something has been recorded since. Each goes
 * to a file and to the log, whose copies elsewhere prove later that the history still is the one that was signed.
 */
export class Checkpoints {
  private timer: NodeJS.Timeout | undefined;
  private closing = false;
  private running: Promise<void> = Promise.resolve();

  private constructor(
    private readonly options: CheckpointOptions,
    private readonly signer: Signer,
    private lastSize: number,
  ) {}

  /** Rejects with key-missing, config-invalid, and what reading the ledger rejects with. */
  static async open(options: CheckpointOptions): Promise<Checkpoints> {
    const notes = existingNotes(options.file);
    const { origin } = await options.head();
    const signer = signingKey(options.keyFile, origin, notes.length === 0);
    const last = notes.at(-1);
    const lastSize = last === undefined ? 0 : (readCheckpoint(last, [])?.head.size ?? 0);
    return new Checkpoints(options, signer, lastSize);
  }

  /** Signs the present, and begins to do so at intervals. */
  async start(): Promise<void> {
    this.options.log.info({ key: this.signer.verifier.text, file: this.options.file }, 'checkpoints are signed');
    await this.sign();
    this.timer = setInterval(() => void this.sign(), this.options.everyMs);
  }

  /** Signs what has been recorded since. Never rejects: a failure is logged, and the next one covers it. */
  sign(): Promise<void> {
    this.running = this.running.then(async () => {
      try {
        await this.signOnce();
      } catch (error) {
        this.options.log.error({ reason: messageOf(error), file: this.options.file }, 'checkpoint not signed');
      }
    });
    return this.running;
  }

  /** Signs the end. Call after the last append, and before the ledger is closed. */
  async close(): Promise<void> {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    // Not published: what that would change in the cluster could not be recorded any more.
    this.closing = true;
    await this.sign();
  }

  private async signOnce(): Promise<void> {
    const head = await this.options.head();
    if (head.size === this.lastSize) return;
    const note = signCheckpoint(head, this.signer);
    append(this.options.file, note);
    this.lastSize = head.size;
    this.options.log.info({ commits: head.size, checkpoint: note }, 'checkpoint');
    // Not waited for: the API server asks us about it first.
    if (!this.closing) void this.publish(note);
  }

  private async publish(note: string): Promise<void> {
    try {
      await this.options.publish?.(note);
    } catch (error) {
      this.options.log.error({ reason: messageOf(error) }, 'checkpoint not published');
    }
  }
}

/** The notes of a file. A last one that a crash cut off is taken away: the next must not stand in the same line. */
function existingNotes(file: string): string[] {
  if (!existsSync(file)) return [];
  const text = readFileSync(file, 'utf8');
  const notes = splitNotes(text);
  const last = notes.at(-1);
  if (last === undefined || (text.endsWith('\n') && readCheckpoint(last, []) !== null)) return notes;
  truncateSync(file, Buffer.byteLength(text.slice(0, text.lastIndexOf(last.trimEnd()))));
  return notes.slice(0, -1);
}

function append(file: string, note: string): void {
  const isNew = !existsSync(file);
  const descriptor = openSync(file, 'a');
  try {
    writeSync(descriptor, `${note}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  if (isNew) syncFolderOf(file);
}
