import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encodeError } from '../../shared/api.ts';
import { KubeblameError, messageOf } from '../../shared/errors.ts';
import { stringifyJson } from '../../shared/json.ts';
import type { Json } from '../../shared/types.ts';
import type { PageFile } from './assets.ts';
import { refusalOf, SAFE_HEADERS } from './guard.ts';

const LOOPBACK = '127.0.0.1';

/** Answers a question of the page: a path, and its query. null: there is no such question. */
export type PageAnswer = (path: string, query: URLSearchParams, gone: AbortSignal) => Promise<Json> | null;

export interface PageServerOptions {
  /** 0: any that is free. */
  port: number;
  /** By their path: `/` is the page. */
  files: ReadonlyMap<string, PageFile>;
  answer: PageAnswer;
  /** Without it a new one is made. */
  token?: string;
}

export interface PageServer {
  /** With the token behind `#`, where no server and no log sees it. */
  url: string;
  origin: string;
  token: string;
  close(): Promise<void>;
}

/** Serves the page on this machine. Rejects with port-unavailable where the port is taken. */
export async function startPageServer({
  port,
  files,
  answer,
  token = randomBytes(24).toString('base64url'),
}: PageServerOptions): Promise<PageServer> {
  const server = createServer({ requestTimeout: 30_000 });
  await listen(server, port);
  const host = `${LOOPBACK}:${(server.address() as AddressInfo).port}`;
  server.on('request', (request, response) => void serve(request, response, { host, token, files, answer }));
  return {
    url: `http://${host}/#token=${token}`,
    origin: `http://${host}`,
    token,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once(
      'error',
      (error: NodeJS.ErrnoException) =>
      reject(new KubeblameError('usage-invalid', `--port ${port}: ${error.code === 'EADDRINUSE' ? 'another program listens there' : messageOf(error)}`, 'leave --port out: any free port is taken')), // prettier-ignore
    );
    server.listen(port, LOOPBACK, resolve);
  });
}

interface Serving {
  host: string;
  token: string;
  files: ReadonlyMap<string, PageFile>;
  answer: PageAnswer;
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { host, token, files, answer }: Serving,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const url = URL.canParse(request.url ?? '', `http://${host}`) ? new URL(request.url ?? '', `http://${host}`) : null;
  const file = url === null ? undefined : files.get(url.pathname);
  const refusal = refusalOf(request, { host, token: file === undefined ? token : null });
  if (refusal !== null)
    return send(response, refusal.status, { error: { code: 'unauthorized', message: refusal.message } });
  if (file !== undefined) return sendText(response, 200, file);
  try {
    const told = url === null ? null : answer(url.pathname, url.searchParams, gone.signal);
    if (told === null)
      return send(response, 404, { error: { code: 'query-invalid', message: 'there is no such address' } });
    send(response, 200, await told);
  } catch (error) {
    const known = error instanceof KubeblameError ? error : new KubeblameError('server-error', messageOf(error));
    send(response, known.code === 'query-invalid' ? 400 : 500, encodeError(known));
  }
}

function send(response: ServerResponse, status: number, body: Json): void {
  sendText(response, status, { type: 'application/json; charset=utf-8', text: stringifyJson(body) });
}

/** Pictures are kept by the browser, which asks for the page's icon with each new address. */
const KEPT = { 'Cache-Control': 'private, max-age=86400' };

function sendText(response: ServerResponse, status: number, { type, text }: PageFile): void {
  response.writeHead(status, { ...SAFE_HEADERS, ...(type.startsWith('image/') ? KEPT : {}), 'Content-Type': type });
  response.end(text);
}
