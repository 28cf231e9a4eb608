import { request, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { KubeConfig } from '@kubernetes/client-node';
import { KubeblameError } from '../../shared/errors.ts';
import { isObject, parseJson } from '../../shared/json.ts';
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

/** A list of 500 large objects takes seconds; a request that hangs longer has failed. */
const GET_TIMEOUT_MS = 60_000;
const MAX_ERROR_BYTES = 4096;

/** A client with the address and credentials of a kubeconfig: in the cluster, the pod's service account. */
export class KubeApiClient implements ApiClient {
  constructor(private readonly config: KubeConfig) {}

  async get(path: string, signal: AbortSignal): Promise<JsonObject> {
    const response = await this.send(path, AbortSignal.any([signal, AbortSignal.timeout(GET_TIMEOUT_MS)]));
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    const document = parseJson(Buffer.concat(chunks).toString());
    if (!isObject(document)) throw new KubeblameError('json-invalid', `${path} is not answered with an object`);
    return document;
  }

  async *watch(path: string, signal: AbortSignal): AsyncGenerator<JsonObject> {
    const response = await this.send(path, signal);
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

  private async send(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    const url = new URL(path, `${this.config.getCurrentCluster()?.server ?? ''}/`);
    const options: RequestOptions = { method: 'GET', headers: { Accept: 'application/json' }, signal };
    // Credentials may be renewed: a pod's token changes every hour.
    await this.config.applyToHTTPSOptions(options);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(url, options, resolve).on('error', reject).end();
    });
    if (response.statusCode === 200) return response;
    let text = '';
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (text.length < MAX_ERROR_BYTES) text += chunk.toString();
    }
    throw new ApiStatusError(
      response.statusCode ?? 0,
      `GET ${url.pathname}: ${String(response.statusCode)} ${reasonOf(text)}`,
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
