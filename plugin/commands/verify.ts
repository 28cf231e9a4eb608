import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { KubeblameError } from '../../shared/errors.ts';
import type { Json } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { document } from '../views/json.ts';
import { printable } from '../views/text.ts';
import { verifyNotes, verifyTable } from '../views/verify-table.ts';
import { note } from './notes.ts';

export interface VerifyOptions {
  file: string | undefined;
  checkpoints: readonly string[];
  key: readonly string[];
  samples: number;
  output: 'table' | 'json' | 'yaml';
}

const UNIT = 2 ** 32;

/** `kubectl blame verify [FILE]`: prints what was looked at. Rejects with proof-failed where something is wrong. */
export async function verify(options: VerifyOptions, io: Io): Promise<void> {
  const { file, output, samples } = options;
  if (file === undefined) {
    throw new KubeblameError(
      'usage-invalid',
      'no file to verify was given',
      'name a ledger file or an archive, or set KUBEBLAME_DB; a server is verified by its file or an archive of it',
    );
  }
  const { verifyFile } = await import('../../webhook/ledger/files/verify-file.ts');
  const report = await verifyFile(file, {
    checkpoints: options.checkpoints,
    keys: options.key,
    samples,
    random: () => randomInt(UNIT) / UNIT,
  });
  const facts = report.findings.length + report.more > 0 ? null : await verifyFactsOf(file, report.lastAt);
  if (output === 'table') {
    for (const text of verifyNotes(file, report, io.style)) note(io, text);
    if (facts !== null) note(io, printable(facts));
    io.out(`${verifyTable(report, io.style).join('\n')}\n`);
  } else {
    io.out(document(report as unknown as Json, output));
    if (facts !== null) note(io, printable(facts));
  }
  const count = report.findings.length + report.more;
  if (count > 0) {
    const hint =
      'the ledger was changed behind the back of its server, or its disk is failing: compare it with a backup';
    throw new KubeblameError(
      'proof-failed',
      `${file}: ${count} ${count === 1 ? 'thing is' : 'things are'} wrong`,
      hint,
    );
  }
}

/** What is said of the facts that a server keeps beside a ledger; null where it keeps none. They prove nothing: what is wrong is made anew. */
async function verifyFactsOf(file: string, lastAt: number | null): Promise<string | null> {
  const { factsFile } = await import('../../webhook/entities/landscape/projection/keep-facts.ts');
  if (lastAt === null || !existsSync(factsFile(file))) return null;
  const { verifyFacts } = await import('../../webhook/ask/questions/landscape/verify-facts.ts');
  return verifyFacts(file, () => randomInt(UNIT) / UNIT);
}
