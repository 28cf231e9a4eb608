import { createHash } from 'node:crypto';
import { Agent, request, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { KubeConfig } from '@kubernetes/client-node';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { isObject, parseJson, stringifyJson } from '../../../shared/json.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { ListSplitter } from './list-splitter.ts';

/** The API server answered with a status that is not success. */
export class ApiStatusError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = 'ApiStatusError';
  }
}

/** A JSON object as it was received: parsed when its turn has come, so that what waits takes little memory. */
export interface Received {
  bytes: number;
  text: Buffer;
  /** Throws json-invalid. */
  read(): JsonObject;
}

/** The requests that read. Bodies are parsed without loss, which the client library does not do. */
export interface ApiClient {
  /** Rejects with ApiStatusError, or what the connection failed with. */
  get(path: string, signal: AbortSignal): Promise<JsonObject>;
  /**
   * The items of a list, as they come, while the rest of it is still on its way; returns the document without them.
   * Rejects as `get`.
   */
  list(path: string, signal: AbortSignal): AsyncGenerator<Received, JsonObject>;
  /** Events of a watch, as they come; ends when the server ends it. Rejects as `get`. */
  watch(path: string, signal: AbortSignal): AsyncIterable<Received>;
}

/** The requests that write: what the server keeps in the cluster about itself. */
export interface ApiWriter {
  /** Resolves with what the API server made of the body. Rejects as `ApiClient.get`. */
  post(path: string, body: JsonObject, signal: AbortSignal): Promise<JsonObject>;
  put(path: string, body: JsonObject, signal: AbortSignal): Promise<JsonObject>;
  /** Deletes the object with this uid alone: one that was made again since stays (409). */
  remove(path: string, uid: string, signal: AbortSignal): Promise<void>;
}

/** Where the API server is, and who we are to it. */
export type Cluster = { file: string } | 'in-cluster';

/** Throws config-invalid where the kubeconfig cannot be used. */
export async function openApiClient(cluster: Cluster): Promise<KubeApiClient> {
  // Loaded only here: it takes half a second.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const kubeconfig = new KubeConfig();
  try {
    if (cluster === 'in-cluster') kubeconfig.loadFromCluster();
    else kubeconfig.loadFromFile(cluster.file);
    if (kubeconfig.getCurrentCluster() === null) throw new Error('it has no current context with a cluster');
  } catch (error) {
    throw new KubeblameError(
      'config-invalid',
      `--kubeconfig (KUBEBLAME_KUBECONFIG): ${messageOf(error)}`,
      'name a kubeconfig file with a current context',
      { cause: error },
    );
  }
  return new KubeApiClient(kubeconfig);
}

/** Whoever asks for the time does not wait for an API server that is not there. */
const TIME_MS = 2_000;

/** The API server's time now (ms); null where it does not answer. */
export async function timeOf(client: KubeApiClient): Promise<number | null> {
  let seen: number | null = null;
  client.dated = (at) => (seen = at);
  // Also a refusal has a date.
  await client.get('version', AbortSignal.timeout(TIME_MS)).catch(() => undefined);
  client.dated = () => undefined;
  return seen;
}

/** A page of a list takes seconds; a request that hangs longer has failed. The API server's own limit is the same. */
const GET_TIMEOUT_MS = 60_000;
const MAX_ERROR_BYTES = 4096;
/** A connection that nobody has used for so long is closed: the API server would close it soon (Go's default: 90 s and more). */
const IDLE_MS = 30_000;

/** A client with the address and credentials of a kubeconfig: in the cluster, the pod's service account. */
export class KubeApiClient implements ApiClient, ApiWriter {
  /** Keeps connections to the API server for the next request, with the credentials that it was made for. */
  private agent: { for: string; agent: Agent } | null = null;

  /** Told of the API server's time (ms) with each of its answers: it is a witness of ours. */
  dated: (at: number) => void = () => undefined;

  constructor(private readonly config: KubeConfig) {}

  get(path: string, signal: AbortSignal): Promise<JsonObject> {
    return this.ask('GET', path, signal);
  }

  post(path: string, body: JsonObject, signal: AbortSignal): Promise<JsonObject> {
    return this.ask('POST', path, signal, body);
  }

  put(path: string, body: JsonObject, signal: AbortSignal): Promise<JsonObject> {
    return this.ask('PUT', path, signal, body);
  }

  async remove(path: string, uid: string, signal: AbortSignal): Promise<void> {
    const options = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } };
    await this.ask('DELETE', path, signal, options);
  }

  /** Makes an object what it should be: server-side apply, as the field manager `kubeblame`. Rejects as `get`. */
  async apply(path: string, object: JsonObject, signal: AbortSignal): Promise<void> {
    await this.ask('PATCH', `${path}?fieldManager=kubeblame&force=true`, signal, object);
  }

  private async ask(method: string, path: string, signal: AbortSignal, body?: JsonObject): Promise<JsonObject> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(GET_TIMEOUT_MS)]);
    const response = await this.send(method, path, limited, body);
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    return objectIn(Buffer.concat(chunks).toString(), path);
  }

  async *list(path: string, signal: AbortSignal): AsyncGenerator<Received, JsonObject> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(GET_TIMEOUT_MS)]);
    const response = await this.send('GET', path, limited);
    const splitter = new ListSplitter();
    for await (const chunk of response as AsyncIterable<Buffer>) {
      for (const item of splitter.take(chunk)) {
        yield received(item, path);
      }
    }
    return objectIn(splitter.rest(), path);
  }

  async *watch(path: string, signal: AbortSignal): AsyncGenerator<Received> {
    const response = await this.send('GET', path, signal);
    for await (const line of linesOf(response)) yield received(line, path);
    if (!response.complete) throw new Error(`the watch ${path} was cut off`);
  }

  /** The lines of a text, such as that of the metrics, as they come. Rejects as `get`. */
  async *lines(path: string, signal: AbortSignal): AsyncGenerator<string> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(GET_TIMEOUT_MS)]);
    for await (const line of linesOf(await this.send('GET', path, limited))) yield line.toString();
  }

  private async send(method: string, path: string, signal: AbortSignal, body?: JsonObject): Promise<IncomingMessage> {
    const url = new URL(path, `${this.config.getCurrentCluster()?.server ?? ''}/`);
    const format = method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json';
    const type = body === undefined ? {} : { 'Content-Type': format };
    const options: RequestOptions = { method, headers: { Accept: 'application/json', ...type }, signal };
    // Credentials may be renewed: a pod's token changes every hour.
    await this.config.applyToHTTPSOptions(options);
    options.agent = this.agentFor(options);
    const response = await this.exchange(url, options, body === undefined ? undefined : stringifyJson(body));
    const date = Date.parse(response.headers.date ?? '');
    if (!Number.isNaN(date)) this.dated(date);
    if (response.statusCode === 200 || response.statusCode === 201) return response;
    let text = '';
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (text.length < MAX_ERROR_BYTES) text += chunk.toString();
    }
    throw new ApiStatusError(
      response.statusCode ?? 0,
      `${method} ${url.pathname}: ${String(response.statusCode)} ${reasonOf(text)}`,
    );
  }

  /** Resolves with the head of the answer. */
  private exchange(url: URL, options: RequestOptions, body: string | undefined): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = request(url, options, resolve);
      sent.on('error', (error: NodeJS.ErrnoException) => {
        // The server has closed a kept connection at the same moment: it has not seen the request (Node's documentation
        // of request.reusedSocket).
        if (sent.reusedSocket && error.code === 'ECONNRESET') this.exchange(url, options, body).then(resolve, reject);
        else reject(error);
      });
      sent.end(body);
    });
  }

  /**
   * The library makes an agent a request, so a handshake each. Here one is kept for as long as the credentials are the
   * same; behind a proxy the library's own is used, which knows the way.
   */
  private agentFor({ agent, ca, cert, key, passphrase, pfx, servername, rejectUnauthorized }: RequestOptions): Agent {
    const made = agent as Agent;
    if (this.config.getCurrentCluster()?.proxyUrl !== undefined) return made;
    const credentials = [ca, cert, key, passphrase, pfx, servername, rejectUnauthorized];
    const id = createHash('sha256').update(JSON.stringify(credentials)).digest('base64');
    if (this.agent?.for !== id) {
      const options = { ca, cert, key, passphrase, pfx, servername, rejectUnauthorized };
      const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
      // The one before is not destroyed: a watch may be running on it.
      this.agent = { for: id, agent: new Agent({ ...given, keepAlive: true, timeout: IDLE_MS }) };
    }
    return this.agent.agent;
  }
}

function received(text: Buffer, path: string): Received {
  return { bytes: text.length, text, read: () => objectIn(text.toString(), path) };
}

const NEWLINE = 0x0a;

/**
 * The lines of an answer, as they come, without those that are empty. What follows the last one is not whole. Throws what its
 * connection fails with, and closes it where the reader stops early.
 */
async function* linesOf(response: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  for await (const chunk of response) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      const rest = chunk.subarray(from, end);
      const line = parts.length === 0 ? rest : Buffer.concat([...parts, rest]);
      parts = [];
      from = end + 1;
      if (line.length > 0) yield line;
    }
    if (from < chunk.length) parts.push(chunk.subarray(from));
  }
}

function objectIn(text: string, path: string): JsonObject {
  const document = parseJson(text);
  if (!isObject(document)) throw new KubeblameError('json-invalid', `${path} is not answered with an object`);
  return document;
}

function reasonOf(text: string): string {
  try {
    const status = parseJson(text);
    if (isObject(status) && typeof status.message === 'string') return status.message;
  } catch {
    // Not a Status: the text itself is all there is.
  }
  return text.slice(0, 200);
}
