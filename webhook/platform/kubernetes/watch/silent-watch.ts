import type { ApiClient, Received } from '../api-client.ts';

/** A watch that showed neither an event nor a bookmark for too long: its connection may be dead without a word. */
export class SilentWatchError extends Error {}

/**
 * The events of a watch, as they come; ends when the server ends it. A watch that shows nothing for `silenceMs` is taken
 * for dead, and rejects with SilentWatchError; the time that the caller takes for an event does not count. Rejects
 * otherwise as `ApiClient.watch`. Ask for bookmarks (allowWatchBookmarks): a quiet type has nothing else to show.
 */
export async function* watchUntilSilent(
  client: ApiClient,
  path: string,
  silenceMs: number,
  signal: AbortSignal,
): AsyncGenerator<Received> {
  const silence = new AbortController();
  const events = client.watch(path, AbortSignal.any([signal, silence.signal]))[Symbol.asyncIterator]();
  try {
    for (;;) {
      const timer = setTimeout(() => silence.abort(), silenceMs);
      const next = await events.next().finally(() => clearTimeout(timer));
      if (next.done === true) return;
      yield next.value;
    }
  } catch (error) {
    if (!silence.signal.aborted || signal.aborted) throw error;
    const [what] = path.split('?');
    throw new SilentWatchError(`the watch of ${what} was silent for too long`, { cause: error });
  } finally {
    // Where the caller stops early, the connection must not stay open behind it.
    await events.return?.();
  }
}
