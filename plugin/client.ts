import { readFileSync } from 'node:fs';
import { decodeError, ROUTES } from '../shared/api.ts';
import { KubeblameError, messageOf } from '../shared/errors.ts';
import { parseJson } from '../shared/json.ts';
import { QuestionReader, questionOf } from '../shared/questions/table.ts';
import type { NamedType } from '../shared/resource-types.ts';
import type { Json } from '../shared/types.ts';
import { send, type Answer } from './https.ts';

/** A way to a server: with an address of its own, or through the API server of a cluster. */
export interface Transport {
  /** What is asked, for people. */
  readonly name: string;
  /** Rejects where nothing answers, or something in between refuses. */
  ask(route: string, query: URLSearchParams): Promise<Answer>;
  /** The types that the cluster has now, where it is asked through its API server. */
  discover?(): Promise<NamedType[]>;
}

export interface ClientOptions {
  url: string;
  token?: string;
  tokenFile?: string;
  certificateAuthority?: string;
  /** ms for each request; 0 for no limit. */
  requestTimeout?: number;
}

/** Asks a server. Rejects with server-unreachable, unauthorized, or the error that the server answers with. */
export class ServerReader extends QuestionReader {
  constructor(private readonly transport: Transport) {
    super(async (name, query) => answerOf(transport, ROUTES[name], questionOf(name).codec.encode(query)));
  }

  override async discover(): Promise<NamedType[]> {
    return (await this.transport.discover?.()) ?? [];
  }
}

/** The shapes are those of shared/questions/, version 1: an answer of another shape is a bug of the server's. */
async function answerOf<T>(transport: Transport, route: string, query: URLSearchParams): Promise<T> {
  const { status, text } = await transport.ask(route, query);
  let body: Json | undefined;
  try {
    body = parseJson(text);
  } catch {
    // Not ours, whatever the status says.
  }
  if (status === 200 && body !== undefined) return body as T;
  throw (
    decodeError(body ?? null) ??
    new KubeblameError(
      'server-error',
      `${transport.name} answered ${body === undefined ? 'something else than JSON, ' : ''}with status ${status}`,
      'is it a Kubeblame server?',
    )
  );
}

/** A server at an address of its own: --server. Throws usage-invalid where a file cannot be read. */
export class DirectTransport implements Transport {
  readonly name: string;
  private readonly base: URL;
  private readonly headers: Record<string, string>;
  private readonly ca: Buffer | undefined;
  private readonly timeoutMs: number | undefined;

  constructor({ url, token, tokenFile, certificateAuthority, requestTimeout }: ClientOptions) {
    this.base = readUrl(url);
    this.name = this.base.origin;
    const bearer =
      token ?? (tokenFile === undefined ? undefined : readFile(tokenFile, '--token-file').toString().trim());
    this.headers = bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` };
    this.timeoutMs = requestTimeout;
    this.ca =
      certificateAuthority === undefined ? undefined : readFile(certificateAuthority, '--certificate-authority');
  }

  ask(route: string, query: URLSearchParams): Promise<Answer> {
    const url = new URL(this.base);
    url.pathname = url.pathname.replace(/\/$/, '') + route;
    url.search = query.toString();
    const options = { headers: this.headers, ...(this.ca === undefined ? {} : { ca: this.ca }) };
    return send(url, options, { timeoutMs: this.timeoutMs }).catch((error: unknown) => {
      throw new KubeblameError(
        'server-unreachable',
        `${url.origin} cannot be reached: ${messageOf(error)}`,
        hintFor(error),
        { cause: error },
      );
    });
  }
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'https:') {
    throw new KubeblameError(
      'usage-invalid',
      `--server: ${JSON.stringify(text)} is not an https:// URL`,
      'a server has one like https://127.0.0.1:8444',
    );
  }
  return url;
}

function readFile(path: string, option: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new KubeblameError('usage-invalid', `${option}: ${messageOf(error)}`, undefined, { cause: error });
  }
}

function hintFor(error: unknown): string {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/.test(code)) {
    return 'give the CA of its certificate with --certificate-authority';
  }
  return 'check --server, and that the server runs (its /readyz tells)';
}
