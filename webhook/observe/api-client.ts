import { request, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { KubeConfig } from '@kubernetes/client-node';
import { KubeblameError, messageOf } from '../../shared/errors.ts';
import { isObject, parseJson, stringifyJson } from '../../shared/json.ts';
import type { JsonObject } from '../../shared/types.ts';

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

/** The two requests that the observer makes. Bodies are parsed without loss, which the client library does not do. */
export interface ApiClient {
  /** Rejects with ApiStatusError, or what the connection failed with. */
  get(path: string, signal: AbortSignal): Promise<JsonObject>;
  /** Objects of a watch, as they come; ends when the server ends it. Rejects as `get`. */
  watch(path: string, signal: AbortSignal): AsyncIterable<JsonObject>;
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

/** A list of 500 large objects takes seconds; a request that hangs longer has failed. */
const GET_TIMEOUT_MS = 60_000;
const MAX_ERROR_BYTES = 4096;

/** A client with the address and credentials of a kubeconfig: in the cluster, the pod's service account. */
export class KubeApiClient implements ApiClient, ApiWriter {
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
    const document = parseJson(Buffer.concat(chunks).toString());
    if (!isObject(document)) throw new KubeblameError('json-invalid', `${path} is not answered with an object`);
    return document;
  }

  async *watch(path: string, signal: AbortSignal): AsyncGenerator<JsonObject> {
    const response = await this.send('GET', path, signal);
    // readline does not pass on an error of its input: the iteration would just end.
    let failure: Error | undefined;
    response.once('error', (error: Error) => (failure = error));
    try {
      for await (const line of createInterface({ input: response, crlfDelay: Infinity })) {
        if (line === '') continue;
        const event = parseJson(line);
        if (isObject(event)) yield event;
      }
    } finally {
      // Where the reader stops early, the connection must not stay open behind it.
      response.destroy();
    }
    if (failure !== undefined) throw failure;
    if (!response.complete) throw new Error(`the watch ${path} was cut off`);
  }

  private async send(method: string, path: string, signal: AbortSignal, body?: JsonObject): Promise<IncomingMessage> {
    const url = new URL(path, `${this.config.getCurrentCluster()?.server ?? ''}/`);
    const format = method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json';
    const type = body === undefined ? {} : { 'Content-Type': format };
    const options: RequestOptions = { method, headers: { Accept: 'application/json', ...type }, signal };
    // Credentials may be renewed: a pod's token changes every hour.
    await this.config.applyToHTTPSOptions(options);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(url, options, resolve)
        .on('error', reject)
        .end(body === undefined ? undefined : stringifyJson(body));
    });
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
