import { readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { NATIVE_API } from '../shared/api.ts';
import { KubeblameError, messageOf } from '../shared/errors.ts';
import { isObject, parseJson } from '../shared/json.ts';
import type { NamedType } from '../shared/resource-types.ts';
import type { JsonObject } from '../shared/types.ts';
import type { Transport } from './client.ts';
import { discoveredTypes, DISCOVERY_ACCEPT } from './discovery.ts';
import { send, type Answer } from './https.ts';
import { targetOf, textOf, type ClusterFlags, type Entry, type Environment, type Target } from './kubeconfig.ts';

/** Where Kubeblame is, in a cluster that it was installed into by manifests/. */
const NAMESPACE = 'kubeblame';
const READER = 'kubeblame-reader';
/** The port of the Service that kubectl-blame reads from; https: so does the proxy in between. */
const SERVICE = 'https:kubeblame:read';
const AUDIENCE = 'kubeblame';
/** The shortest that the API server gives: a command is over in seconds. */
const TOKEN_SECONDS = 600;

const CORE = `/api/v1/namespaces/${NAMESPACE}`;

/**
 * The way to Kubeblame in the cluster that kubectl would speak to, with kubectl's own credentials: the native API where
 * it is registered, so that everybody reads under their own name; otherwise the service proxy, with a token of the reader
 * ServiceAccount. Rejects with cluster-unusable, not-installed, forbidden, unauthorized or server-unreachable.
 */
export async function openCluster(flags: ClusterFlags, env: Environment): Promise<Transport> {
  const api = await openApiServer(flags, env);
  const native = await api.send('GET', NATIVE_API.path);
  if (native.status === 200) return new NativeTransport(api);
  if (native.status === 401) throw new KubeblameError('unauthorized', 'the API server does not accept the credentials');
  return new ProxyTransport(api, await readerToken(api));
}

async function openApiServer(flags: ClusterFlags, env: Environment): Promise<ApiServer> {
  try {
    const target = targetOf(flags, env);
    return new ApiServer(
      await loadConfig(target, flags.token),
      impersonation(flags, target.user),
      flags.requestTimeout,
    );
  } catch (error) {
    if (error instanceof KubeblameError) throw error;
    throw new KubeblameError(
      'cluster-unusable',
      `no cluster to ask: ${messageOf(error)}`,
      'name a kubeconfig (--kubeconfig, --context), or ask a ledger with --db FILE or --server URL',
      { cause: error },
    );
  }
}

/** The headers by which one user acts as another; flags come before the kubeconfig. Throws usage-invalid. */
function impersonation(flags: ClusterFlags, user: Entry): Record<string, string | string[]> {
  const as = flags.as ?? textOf(user, 'as');
  const uid = flags.asUid ?? textOf(user, 'as-uid');
  const groups = flags.asGroup ?? textsOf(user['as-groups']);
  if (as === '') {
    const flag = flags.asGroup !== undefined ? '--as-group' : flags.asUid !== undefined ? '--as-uid' : null;
    if (flag === null) return {};
    throw new KubeblameError('usage-invalid', `${flag} needs --as`, 'name the user too, as kubectl wants it');
  }
  const extra = user['as-user-extra'];
  const extras = typeof extra === 'object' && extra !== null ? Object.entries(extra) : [];
  return {
    'Impersonate-User': as,
    ...(uid === '' ? {} : { 'Impersonate-Uid': uid }),
    ...(groups.length === 0 ? {} : { 'Impersonate-Group': groups }),
    ...Object.fromEntries(
      extras.map(([key, values]) => [`Impersonate-Extra-${encodeURIComponent(key)}`, textsOf(values)]),
    ),
  };
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

async function loadConfig(target: Target, token: string | undefined): Promise<KubeConfig> {
  // Loaded only here: it takes half a second, and a ledger file needs none of it.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  const context = { cluster: target.clusterName, user: 'user' };
  const document = {
    clusters: [{ name: target.clusterName, cluster: dataBeforeFiles(target.cluster) }],
    users: [{ name: 'user', user: token === undefined ? userOf(target.user) : withToken(target.user, token) }],
    contexts: [{ name: 'context', context }],
    'current-context': 'context',
  };
  config.loadFromString(JSON.stringify(document));
  return config;
}

/** As client-go reads it: a token in a file comes before one beside it. The library does not know `tokenFile`. */
function userOf(user: Entry): Entry {
  const tokenFile = textOf(user, 'tokenFile');
  const token = tokenFile === '' ? {} : { token: readFileSync(tokenFile, 'utf8').trim() };
  return { ...dataBeforeFiles(user), ...token };
}

/** With --token all other ways to say who one is are left out, but for the client certificate, as kubectl has it. */
function withToken(user: Entry, token: string): Entry {
  const replaced = ['exec', 'auth-provider', 'username', 'password', 'tokenFile'];
  const others = Object.fromEntries(Object.entries(user).filter(([name]) => !replaced.includes(name)));
  return { ...dataBeforeFiles(others), token };
}

/** Where both are given, what is in the kubeconfig counts, not the file that it names: the library takes the file. */
function dataBeforeFiles(entry: Entry): Entry {
  const names = ['certificate-authority', 'client-certificate', 'client-key'];
  const given = names.filter((name) => textOf(entry, `${name}-data`) !== '');
  return Object.fromEntries(Object.entries(entry).filter(([name]) => !given.includes(name)));
}

async function readerToken(api: ApiServer): Promise<string> {
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences: [AUDIENCE], expirationSeconds: TOKEN_SECONDS },
  };
  const answer = await api.send('POST', `${CORE}/serviceaccounts/${READER}/token`, {}, JSON.stringify(body));
  const document = documentIn(answer);
  const token = isObject(document.status ?? null) ? (document.status as JsonObject).token : undefined;
  if (answer.status === 201 && typeof token === 'string') return token;
  if (answer.status === 404) {
    throw new KubeblameError(
      'not-installed',
      `the cluster ${api.name} has no Kubeblame (no ServiceAccount ${NAMESPACE}/${READER})`,
      'install it with `kubectl apply -k manifests` from its repository, or ask a ledger with --db FILE or --server URL',
    );
  }
  throw new KubeblameError(
    answer.status === 401 ? 'unauthorized' : 'forbidden',
    `no token for reading: ${messageIn(answer)}`,
    `the Role kubeblame-user in namespace ${NAMESPACE} allows it: docs/rbac.md`,
  );
}

/** Requests to the API server, as kubectl makes them. */
class ApiServer {
  constructor(
    private readonly config: KubeConfig,
    private readonly impersonation: Record<string, string | string[]>,
    private readonly timeoutMs: number | undefined,
  ) {}

  get name(): string {
    return JSON.stringify(this.config.getCurrentCluster()?.name ?? '');
  }

  async send(method: string, path: string, more: Record<string, string> = {}, body?: string): Promise<Answer> {
    const server = this.config.getCurrentCluster()?.server ?? '';
    const url = new URL(server.replace(/\/$/, '') + path);
    const headers: Record<string, string | string[]> = { Accept: 'application/json', ...this.impersonation, ...more };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const options: RequestOptions = { method, headers };
    try {
      // Certificates, tokens, exec plugins, OIDC, proxies: as the kubeconfig says.
      await this.config.applyToHTTPSOptions(options);
    } catch (error) {
      throw new KubeblameError('cluster-unusable', `no credentials for the cluster: ${messageOf(error)}`, undefined, {
        cause: error,
      });
    }
    return send(url, options, { body, timeoutMs: this.timeoutMs }).catch((error: unknown) => {
      throw new KubeblameError(
        'server-unreachable',
        `the API server ${url.origin} cannot be reached: ${messageOf(error)}`,
        'check --context and --kubeconfig; kubectl version tells whether kubectl reaches it',
        { cause: error },
      );
    });
  }
}

/** The types of the cluster itself. What somebody may not ask, or an older API server cannot tell, is not known then. */
async function discover(api: ApiServer): Promise<NamedType[]> {
  const answer = await api.send('GET', '/apis', { Accept: DISCOVERY_ACCEPT });
  return answer.status === 200 ? discoveredTypes(documentIn(answer)) : [];
}

class NativeTransport implements Transport {
  readonly name: string;

  constructor(private readonly api: ApiServer) {
    this.name = `the cluster ${api.name}`;
  }

  discover(): Promise<NamedType[]> {
    return discover(this.api);
  }

  /** The routes of version 1 by their last part: `questions/changes`. */
  async ask(route: string, query: URLSearchParams): Promise<Answer> {
    const question = route.slice(route.lastIndexOf('/') + 1);
    return checked(
      await this.api.send('GET', `${NATIVE_API.path}/${NATIVE_API.questions}/${question}?${query.toString()}`),
    );
  }
}

class ProxyTransport implements Transport {
  readonly name: string;

  constructor(
    private readonly api: ApiServer,
    private readonly token: string,
  ) {
    this.name = `the cluster ${api.name}`;
  }

  discover(): Promise<NamedType[]> {
    return discover(this.api);
  }

  /** The proxy consumes Authorization: the token travels beside it. */
  async ask(route: string, query: URLSearchParams): Promise<Answer> {
    const path = `${CORE}/services/${SERVICE}/proxy${route}?${query.toString()}`;
    return checked(await this.api.send('GET', path, { 'X-Kubeblame-Token': this.token }));
  }
}

/** An answer of the API server itself, which stands between, is a Status. */
function checked(answer: Answer): Answer {
  if (answer.status < 400 || documentIn(answer).kind !== 'Status') return answer;
  const message = messageIn(answer);
  if (answer.status === 403) throw new KubeblameError('forbidden', message, 'docs/rbac.md says who may read');
  if (answer.status === 401) throw new KubeblameError('unauthorized', message);
  throw new KubeblameError(
    'server-unreachable',
    `Kubeblame does not answer: ${message}`,
    `kubectl get pods -n ${NAMESPACE} tells whether it runs`,
  );
}

function documentIn({ text }: Answer): JsonObject {
  try {
    const document = parseJson(text);
    return isObject(document) ? document : {};
  } catch {
    return {};
  }
}

function messageIn(answer: Answer): string {
  const { message } = documentIn(answer);
  return typeof message === 'string' ? message : `status ${answer.status}`;
}
