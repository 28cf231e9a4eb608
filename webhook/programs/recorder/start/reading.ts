import { KubeblameError } from '../../../../shared/errors.ts';
import { clientTls, openAccess } from '../../../ask/access/access.ts';
import { readApi } from '../../../ask/rest/routes.ts';
import { BATCH_BYTES, type CommitStream } from '../../../ask/stream/stream.ts';
import { Reading } from '../../../ask/thread/reading.ts';
import type { Identity } from '../../../install/identity.ts';
import type { SqliteStore } from '../../../ledger/sqlite/store/store.ts';
import { drain, listen, listener, type Address } from '../../../platform/http/listener.ts';
import type { Intake } from '../../../record/capture/intake/intake.ts';
import type { Setting } from './setting.ts';

/** How long a question waits for what was answered before it. */
const CAUGHT_UP_MS = 5_000;

export interface ReadingContext {
  identity: Identity;
  store: SqliteStore;
  intake: Intake;
  streams: readonly CommitStream[];
  /** Told when nothing can be read any more. */
  broken: (reason: Error) => void;
}

export interface RunningReading {
  address: Address;
  /** Resolves when all reviews that were answered are in the ledger. Rejects with overloaded where that takes long. */
  caughtUp(): Promise<void>;
  /** Our certificate has changed: for new connections. */
  renew(): void;
}

/** Opens the read API, and sends the ledger's commits where they are wanted. */
export async function openReading(setting: Setting, context: ReadingContext): Promise<RunningReading> {
  const { config, log, clock, now, closers } = setting;
  const { identity, store, intake, streams, broken } = context;
  const access = await openAccess(config, log, () => {
    renew();
    // Those that were verified by what was trusted before count for nobody any more.
    read.closeIdleConnections();
  });
  closers.add(() => access.close());
  const closing = new AbortController();
  const caughtUp = async (): Promise<void> => {
    if (await intake.settled(CAUGHT_UP_MS)) return;
    throw new KubeblameError(
      'overloaded',
      `${intake.depth} reviews are still to be taken into the ledger`,
      'ask again',
    );
  };
  const lastSeq = async (): Promise<number> => (await store.last())?.seq ?? 0;
  const reading = new Reading({ path: config.db, clock: clock.memory }, access.reviews, broken, (text) =>
    log.warn(text),
  );
  closers.add(() => reading.close());
  for (const stream of streams) {
    stream.start((after) => reading.batch(stream.what, after, BATCH_BYTES));
    closers.add(() => stream.stop());
  }
  const read = listener(
    { ...identity.serving, ...clientTls(access) },
    readApi({ authenticate: access.authenticate, reading, caughtUp, lastSeq, now, closing: closing.signal, log }),
  );
  access.frontProxy?.guard(read);
  // Whom a client certificate must come from changes as the certificate of our own does: for new connections.
  const renew = (): void => read.setSecureContext({ ...identity.serving, ...clientTls(access) });
  const address = await listen(read, config.readListen, '--read-listen');
  closers.add(() => drain(read));
  // Before it waits for answers that are under way: a watch has no end of its own.
  closers.add(() => {
    closing.abort();
    reading.hurry();
  });
  return { address, caughtUp, renew };
}
