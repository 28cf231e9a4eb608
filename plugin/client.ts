import { readFileSync } from 'node:fs';
import {
  decodeError,
  encodeApplicationQuery,
  encodeBlameQuery,
  encodeChangeQuery,
  encodeDifferenceQuery,
  encodeGraphQuery,
  encodeImpactQuery,
  encodeObjectQuery,
  encodeStateQuery,
  encodeUserQuery,
  ROUTES,
} from '../shared/api.ts';
import { KubeblameError, messageOf } from '../shared/errors.ts';
import { parseJson } from '../shared/json.ts';
import type { NamedType } from '../shared/resource-types.ts';
import type {
  ApplicationPage,
  ApplicationQuery,
  BlamePage,
  BlameQuery,
  ChangePage,
  ChangeQuery,
  CoverageInterval,
  DifferencePage,
  DifferenceQuery,
  FactsPage,
  GraphPage,
  GraphQuery,
  ImpactPage,
  ImpactQuery,
  Json,
  KnownObject,
  LedgerInfo,
  LedgerReader,
  ResourceType,
  Scope,
  StatePage,
  StateQuery,
  UserPage,
  UserQuery,
} from '../shared/types.ts';
import { send, type Answer } from './https.ts';

/** Characters of rules in a request: they are a part of its address, which may have 16 kB. */
const MAX_RULES = 4000;

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
export class ServerReader implements LedgerReader {
  constructor(private readonly transport: Transport) {}

  info(): Promise<LedgerInfo> {
    return this.get(ROUTES.info);
  }

  resources(): Promise<ResourceType[]> {
    return this.get(ROUTES.resources);
  }

  objects(scope: Scope, limit: number): Promise<KnownObject[]> {
    return this.get(ROUTES.objects, encodeObjectQuery({ scope, limit }));
  }

  changes(query: ChangeQuery): Promise<ChangePage> {
    return this.get(ROUTES.changes, encodeChangeQuery(query));
  }

  users(query: UserQuery): Promise<UserPage> {
    return this.get(ROUTES.users, encodeUserQuery(query));
  }

  states(query: StateQuery): Promise<StatePage> {
    return this.get(ROUTES.states, encodeStateQuery(query));
  }

  differences(query: DifferenceQuery): Promise<DifferencePage> {
    return this.get(ROUTES.differences, encodeDifferenceQuery(query));
  }

  blame(query: BlameQuery): Promise<BlamePage> {
    return this.get(ROUTES.blame, encodeBlameQuery(query));
  }

  graph(query: GraphQuery): Promise<GraphPage> {
    return this.get(ROUTES.graph, encodeGraphQuery(query));
  }

  impact(query: ImpactQuery): Promise<ImpactPage> {
    return this.get(ROUTES.impact, encodeImpactQuery(query));
  }

  applications(query: ApplicationQuery): Promise<ApplicationPage> {
    return this.get(ROUTES.applications, encodeApplicationQuery(query));
  }

  facts(query: GraphQuery): Promise<FactsPage> {
    return this.get(ROUTES.facts, encodeGraphQuery(query));
  }

  coverage(): Promise<CoverageInterval[]> {
    return this.get(ROUTES.coverage);
  }

  async discover(): Promise<NamedType[]> {
    return (await this.transport.discover?.()) ?? [];
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The shapes are those of shared/api.ts, version 1: an answer of another shape is a bug of the server's. */
  private async get<T>(route: string, query = new URLSearchParams()): Promise<T> {
    // It would be refused as a request that is too large, in words that say less.
    if ((query.get('rules')?.length ?? 0) > MAX_RULES)
      throw new KubeblameError('usage-invalid', `--rules: a server takes at most ${MAX_RULES} characters`, 'put them into the ConfigMap kubeblame-rules'); // prettier-ignore
    const { status, text } = await this.transport.ask(route, query);
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
        `${this.transport.name} answered ${body === undefined ? 'something else than JSON, ' : ''}with status ${status}`,
        'is it a Kubeblame server?',
      )
    );
  }
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
