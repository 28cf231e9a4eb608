import type { LedgerReader } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { pageAnswers } from '../page/answers.ts';
import { pageFiles } from '../page/assets.ts';
import { openInBrowser } from '../page/open-in-browser.ts';
import { startPageServer } from '../page/server.ts';
import { note } from './notes.ts';

export interface UiFlags {
  port?: number;
  open?: boolean;
}

/** `kubectl blame ui`: serves the page on this machine until it is interrupted. Rejects with usage-invalid where the port is taken. */
export async function ui({ port = 0, open = true }: UiFlags, reader: LedgerReader, io: Io): Promise<void> {
  // What cannot be asked is said here, and not by a page that stays empty.
  const { cluster } = await reader.info();
  const server = await startPageServer({ port, files: await pageFiles(), answer: pageAnswers(reader, io) });
  io.live?.();
  io.out(`${server.url}\n`);
  note(
    io,
    `the page of ${cluster} is at this address, for you alone: who has the address can read what you can. Ctrl-C ends it`,
  );
  if (open) await openInBrowser(server.url, io);
  await interruption(io.interrupted);
  await server.close();
}

function interruption(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
    if (signal !== undefined) return;
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve());
  });
}
