import { existsSync, readFileSync, statSync } from 'node:fs';
import { isGzipFile } from '../../platform/files/lines.ts';
import { openForReading, translate, type Sqlite } from '../sqlite/database/open.ts';
import { verifyLedger, type SignedHead } from '../sqlite/verify/verify.ts';
import { readArchive, writeArchive } from './archive.ts';
import { readCheckpoint, splitNotes } from '../proof/checkpoint.ts';
import { checkpointsBeside, readVerifiers, signingKeyBeside } from '../publish/signing-keys.ts';
import type { Verifier } from '../proof/note.ts';
import type { Part, Report } from '../proof/report.ts';

export interface VerifyFileOptions {
  /** Files of signed checkpoints; by default the one beside the ledger, and those in the archive. */
  checkpoints: readonly string[];
  /** Verification keys, or files of them; by default the one beside the ledger. */
  keys: readonly string[];
  samples: number;
  random: () => number;
  progress?: (part: Part, done: number, total: number) => void;
}

export interface FileReport extends Report {
  /** Where checkpoints and keys came from; what lies beside the ledger proves nothing against whoever can write there. */
  given: { checkpoints: string[]; keys: string[]; beside: boolean };
}

/** Verifies a ledger file or an archive. Rejects with the ledger-* errors, input-invalid, config-invalid. */
export async function verifyFile(path: string, options: VerifyFileOptions): Promise<FileReport> {
  const { db, notes, archive } = await open(path);
  try {
    const beside = options.keys.length === 0;
    const keyFile = `${signingKeyBeside(path)}.pub`;
    const keys = beside ? (existsSync(keyFile) ? [keyFile] : []) : [...options.keys];
    const verifiers = keys.flatMap((key) => readVerifiers(key));
    const files = [...options.checkpoints];
    if (files.length === 0 && existsSync(checkpointsBeside(path))) files.push(checkpointsBeside(path));
    const found = files.map((file) => ({ from: file, notes: splitNotes(readFileSync(file, 'utf8')) }));
    if (archive) found.push({ from: path, notes });
    const signed = found.flatMap((source) => source.notes.map((note) => signedHead(note, source.from, verifiers)));
    const report = await verifyLedger(db, {
      ...options,
      checkpoints: signed.filter((head) => head !== null),
      unsigned: signed.filter((head) => head === null).length,
    });
    return { ...report, given: { checkpoints: found.map(({ from }) => from), keys, beside } };
  } finally {
    db.close();
  }
}

function signedHead(note: string, from: string, verifiers: readonly Verifier[]): SignedHead | null {
  const read = readCheckpoint(note, verifiers);
  return read?.by == null ? null : { ...read.head, from, key: read.by.text };
}

/** Writes a ledger file as an archive, with its checkpoints. Rejects with the ledger-* errors, and output-failed. */
export async function exportFile(path: string, to: string): Promise<{ rows: number; checkpoints: number }> {
  const beside = checkpointsBeside(path);
  // Before the ledger: a checkpoint that is signed meanwhile is of commits that the archive has.
  const notes = existsSync(beside) ? splitNotes(readFileSync(beside, 'utf8')) : [];
  const db = openForReading(path);
  try {
    return { rows: await writeArchive(db, to, notes), checkpoints: notes.length };
  } catch (error) {
    throw translate(error, path);
  } finally {
    db.close();
  }
}

async function open(path: string): Promise<{ db: Sqlite; notes: string[]; archive: boolean }> {
  if (existsSync(path) && statSync(path).isFile() && isGzipFile(path))
    return { ...(await readArchive(path, '')), archive: true };
  return { db: openForReading(path), notes: [], archive: false };
}
