import type { ServerResponse } from 'node:http';
import { stringifyJson } from '../../../shared/json.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { sendStatus, statusOf } from './responses.ts';
import { typeName, type ServedType } from './served-types.ts';

/** What happened to an object. `of`: its type. */
export interface HistoryEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  of: string;
  version: number;
  object: JsonObject;
}

interface OpenWatch {
  of: string;
  response: ServerResponse;
  stalled: boolean;
  timer: NodeJS.Timeout;
}

/** The watches of the test's API server, and what they show. */
export class Watches {
  private readonly opened = new Set<OpenWatch>();
  private history: HistoryEvent[] = [];
  private compactedAt = 0;
  private expiry: 'status' | 'event' = 'event';

  /** Answers a watch: what has happened since its version, and what happens from now on. */
  open(type: ServedType, query: URLSearchParams, response: ServerResponse): void {
    const from = Number(query.get('resourceVersion'));
    const of = typeName(type);
    if (from < this.compactedAt) {
      const message = `too old resource version: ${from} (${this.compactedAt})`;
      if (this.expiry === 'status') return sendStatus(response, 410, message);
      response.writeHead(200, { 'Content-Type': 'application/json' });
      // It does not end the watch: whoever reads must.
      response.write(expiryLine(message));
      return;
    }
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.flushHeaders();
    const timer = setTimeout(() => response.end(), Number(query.get('timeoutSeconds') ?? 60) * 1000);
    const open: OpenWatch = { of, response, stalled: false, timer };
    this.opened.add(open);
    response.on('close', () => {
      clearTimeout(timer);
      this.opened.delete(open);
    });
    for (const event of this.history) if (event.of === of && event.version > from) response.write(lineOf(event));
  }

  /** Shows an event to all open watches of its type. */
  tell(event: HistoryEvent): void {
    this.history.push(event);
    for (const watch of this.opened) if (watch.of === event.of && !watch.stalled) watch.response.write(lineOf(event));
  }

  /** Ends those of a type, as their server does. */
  end(of: string): void {
    for (const watch of this.opened) if (watch.of === of) watch.response.end();
  }

  compact(version: number, expiry: 'status' | 'event'): void {
    this.history = [];
    this.compactedAt = version;
    this.expiry = expiry;
  }

  /** Tells those that are open that they have fallen too far behind. */
  expire(): void {
    for (const { response } of this.opened) response.write(expiryLine('too old resource version'));
  }

  bookmark(types: ReadonlyMap<string, ServedType>, version: number): void {
    for (const watch of this.opened) {
      const type = types.get(watch.of);
      if (type !== undefined && !watch.stalled) watch.response.write(bookmarkLine(type, version));
    }
  }

  reset(): void {
    for (const { response } of this.opened) response.socket?.destroy();
  }

  stall(of: string): void {
    for (const watch of this.opened) if (watch.of === of) watch.stalled = true;
  }

  count(of?: string): number {
    return [...this.opened].filter((watch) => of === undefined || watch.of === of).length;
  }
}

function lineOf({ type, object }: HistoryEvent): string {
  return `${stringifyJson({ type, object })}\n`;
}

function expiryLine(message: string): string {
  return `${stringifyJson({ type: 'ERROR', object: statusOf(410, message) })}\n`;
}

function bookmarkLine({ group, version, kind }: ServedType, resourceVersion: number): string {
  const object = {
    kind,
    apiVersion: group === '' ? version : `${group}/${version}`,
    metadata: { resourceVersion: String(resourceVersion), creationTimestamp: null },
  };
  return `${stringifyJson({ type: 'BOOKMARK', object })}\n`;
}
