import { statSync } from 'node:fs';
import type { SingleBar } from 'cli-progress';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { Redactor } from '../../../shared/redact.ts';
import { UNNAMED_CLUSTER } from '../../install/cluster/cluster-name.ts';
import { redactionKey } from '../../ledger/files/redaction-key.ts';
import type { LedgerStore } from '../../ledger/port/port.ts';
import { openSqliteStore } from '../../ledger/sqlite/store/open-store.ts';
import { Intake } from '../../record/capture/intake/intake.ts';
import { Recorder } from '../../record/capture/recorder/recorder.ts';
import { ReviewReader } from '../../record/review/review-reader.ts';
import { importRecording, type ImportInput, type ImportResult } from '../../record/sources/recordings/import.ts';
import { SpoolReader } from '../../record/spool/reader.ts';
import { ledgerNumber } from '../../record/spool/records.ts';
import { spoolFolder } from '../../record/spool/segments.ts';
import { ledgerConfig } from '../config/config.ts';
import type { RawOptions } from '../config/options.ts';
import { print } from './print.ts';

export interface RawImportOptions {
  baseline?: string;
  baselineAt?: number;
  watch?: string;
  keepGoing?: boolean;
}

/** Appends recorded reviews to a ledger. */
export async function importFiles(reviews: string, raw: RawOptions & RawImportOptions): Promise<void> {
  const config = await ledgerConfig(raw);
  const store = openSqliteStore(config.db, config.cluster ?? UNNAMED_CLUSTER, Date.now());
  try {
    const redactor = new Redactor(
      redactionKey(config.keyFile, (await store.last()) === null),
      config.redact,
      config.patterns,
    );
    const recorder = await Recorder.open({ store, redactor, predicates: config.predicates });
    await takeSpool(config.db, store, recorder, redactor);
    const input: ImportInput = {
      reviews,
      ...(raw.baseline === undefined ? {} : { baseline: raw.baseline }),
      ...(raw.baselineAt === undefined ? {} : { baselineAt: raw.baselineAt }),
      ...(raw.watch === undefined ? {} : { watch: raw.watch }),
    };
    const bar = await progressBar();
    try {
      const result = await importRecording(input, {
        recorder,
        store,
        predicates: config.predicates,
        bad: (error) => {
          if (raw.keepGoing !== true) throw error;
          process.stderr.write(`passed over: ${error.message}\n`);
        },
        lost: (error) => process.stderr.write(`not recorded: ${error.message}\n`),
        progress: (count) => bar?.update(count),
      });
      print(`${describe(result)}\n`);
    } finally {
      bar?.stop();
      await recorder.close();
    }
  } finally {
    await store.close();
  }
  // Before it is closed, most of it is in the log beside it.
  print(`${config.db}: ${statSync(config.db).size} bytes\n`);
}

/** What a server has answered that was killed: before anything else. */
async function takeSpool(db: string, store: LedgerStore, recorder: Recorder, redactor: Redactor): Promise<void> {
  const intake = new Intake({
    spool: new SpoolReader(spoolFolder(db), ledgerNumber(store.id)),
    reviews: new ReviewReader((type, text) => redactor.covers(type, text)),
    recorder,
    now: Date.now,
    recorded: () => undefined,
    lost: (error, uid) => process.stderr.write(`not recorded: ${uid} ${messageOf(error)}\n`),
    failing: (error) => process.stderr.write(`trying again: ${messageOf(error)}\n`),
    taken: () => undefined,
  });
  await intake.takeLeft();
  const left = intake.depth;
  await intake.close();
  if (left > 0) {
    throw new KubeblameError(
      'ledger-unwritable',
      `the ledger does not take what its server has answered already (reviews: ${left})`,
      'nothing was imported: see to the disk, and import again',
    );
  }
}

/** Only on a terminal: the number of lines is not known, so it counts. */
async function progressBar(): Promise<SingleBar | null> {
  if (!process.stderr.isTTY) return null;
  const { SingleBar } = await import('cli-progress');
  const bar = new SingleBar({ format: 'importing: {value} reviews', stream: process.stderr, clearOnComplete: true });
  bar.start(0, 0);
  return bar;
}

function describe({ reviews, baseline, watchEvents, badLines }: ImportResult): string {
  const parts = [
    `${reviews.recorded} recorded`,
    `${reviews.unchanged} without a change`,
    `${reviews.excluded} excluded by rules`,
    `${reviews['dry-run']} dry runs`,
  ];
  if (reviews['already there'] > 0) parts.push(`${reviews['already there']} already there`);
  if (reviews.lost > 0) parts.push(`${reviews.lost} that cannot be recorded`);
  const facts = ({ all, known }: ImportResult['baseline'], what: string): void => {
    if (all > 0) parts.push(`${all} ${what}${known === 0 ? '' : ` (${known} already there)`}`);
  };
  facts(baseline, 'objects of the baseline');
  facts(watchEvents, 'watch events');
  if (badLines > 0) parts.push(`${badLines} lines passed over`);
  return parts.join(', ');
}
