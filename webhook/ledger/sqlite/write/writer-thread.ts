import { parentPort, workerData } from 'node:worker_threads';
import { failureOf, lowerPriority } from '../../../platform/threads/threads.ts';
import { Deflater } from '../../content/deflater.ts';
import { Appender, type EncodedEntries } from './append.ts';
import { Folder } from '../fold/fold.ts';
import { Shortener } from '../fold/shorten.ts';
import { connectForWriting, translate } from '../database/open.ts';
import type { ShownEvent } from '../../port/events.ts';
import { EventWriter } from '../store/events/event-writer.ts';
import type { WriterReply, WriterRequest } from './thread-writer.ts';
import { takeWriteLock } from './writer.ts';

/*
 * The thread that writes a ledger, in the order in which it is asked to: thread-writer.ts.
 */
lowerPriority();
const { path } = workerData as { path: string };
const db = connectForWriting(path);
const deflater = new Deflater();
const appender = new Appender(db, (text) => deflater.compress(text));
const folder = new Folder(db, appender);
const shortener = new Shortener(db, appender);
const events = new EventWriter(db, (text) => deflater.compress(text));

parentPort?.on('message', (request: WriterRequest) => {
  parentPort?.postMessage(answer(request));
  if (request === 'close') parentPort?.close();
});

function answer(request: WriterRequest): WriterReply {
  try {
    if (request === 'check') takeWriteLock(db);
    else if (request === 'close') db.close();
    else if ('fold' in request) return { result: folder.fold(request.fold) };
    else if ('shorten' in request) return { result: shortener.shorten(request.shorten, request.now) };
    else if ('events' in request)
      return { result: events.take(JSON.parse(request.events) as ShownEvent[], request.retention) };
    else appender.append(JSON.parse(request.append) as EncodedEntries);
    return { result: null };
  } catch (thrown) {
    return failureOf(translate(thrown, path));
  }
}
