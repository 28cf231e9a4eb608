import { readFileSync } from 'node:fs';
import { Agent, request as send, type RequestOptions } from 'node:https';
import type { Request, Response } from 'express';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import type { Actor } from '../../../shared/types.ts';
import { TOKEN_HEADER } from '../../ask/access/identity/caller.ts';
import { identityHeaders } from '../../ask/access/identity/identity-headers.ts';
import { sendStatus } from '../../ask/kube-api/answers/status.ts';

export interface UpstreamOptions {
  /** The read API of the server that has the ledger. */
  url: URL;
  /** PEM files, read again for each connection or request: the kubelet replaces them. */
  caFile: string;
  tokenFile: string;
}

/** The ledger's server begins to answer within this time; a watch then goes on for as long as it will. */
const FIRST_BYTE_MS = 60_000;
const PASSED_ON = ['content-type', 'content-length', 'cache-control', 'retry-after'];

/**
 * Passes a request of a user on to the server that has the ledger, and its answer back, as it comes. The user's name goes
 * along, vouched for by the gateway's own token; of what the client sent, only the path, the query and Accept.
 */
export class Upstream {
  private readonly agent = new Agent({ keepAlive: true });

  constructor(private readonly options: UpstreamOptions) {}

  pass(request: Request, response: Response, user: Actor): void {
    const { url } = this.options;
    let options: RequestOptions;
    try {
      options = this.optionsFor(request, user);
    } catch (error) {
      this.fail(response, error);
      return;
    }
    // The host is never the client's: a request target may be a whole URL.
    const { search } = new URL(request.url, 'https://gateway');
    const { hostname: host, port } = url;
    const target = { host, port: port === '' ? 443 : Number(port), path: request.path + search };
    const sent = send({ ...options, ...target }, (answer) => {
      sent.setTimeout(0);
      response.status(answer.statusCode ?? 502);
      for (const name of PASSED_ON) {
        const value = answer.headers[name];
        if (value !== undefined) response.setHeader(name, value);
      }
      response.flushHeaders();
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    sent.setTimeout(FIRST_BYTE_MS, () => sent.destroy(new Error(`no answer within ${FIRST_BYTE_MS / 1000} s`)));
    sent.on('error', (error) => this.fail(response, error));
    // The client of a watch has gone.
    response.on('close', () => sent.destroy());
    sent.end();
  }

  close(): void {
    this.agent.destroy();
  }

  private optionsFor(request: Request, user: Actor): RequestOptions {
    const headers: Record<string, string | string[]> = {
      Accept: request.get('accept') ?? 'application/json',
      [TOKEN_HEADER]: readFileSync(this.options.tokenFile, 'utf8').trim(),
    };
    for (const [name, value] of identityHeaders(user)) headers[name] = [...[headers[name] ?? []].flat(), value];
    return { agent: this.agent, ca: readFileSync(this.options.caFile), headers };
  }

  private fail(response: Response, error: unknown): void {
    if (response.destroyed) return;
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const failure = new KubeblameError(
      'server-unreachable',
      `the server that has the ledger cannot be reached: ${messageOf(error)}`,
      'see its pod',
    );
    sendStatus(response, failure, 503);
  }
}
