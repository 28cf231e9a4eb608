import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { NATIVE_API } from '../shared/api.ts';
import { KubeblameError, messageOf } from '../shared/errors.ts';
import { isObject, parseJson } from '../shared/json.ts';
import type { JsonObject } from '../shared/types.ts';
import type { Transport } from './client.ts';
import { send, type Answer } from './https.ts';
import { kubeconfigPaths, type ClusterFlags, type Environment } from './kubeconfig.ts';

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
  const api = new ApiServer(await loadConfig(flags, env), flags);
  const native = await api.send('GET', NATIVE_API.path);
  if (native.status === 200) return new NativeTransport(api);
  if (native.status === 401) throw new KubeblameError('unauthorized', 'the API server does not accept the credentials');
  return new ProxyTransport(api, await readerToken(api));
}

async function loadConfig({ kubeconfig, context }: ClusterFlags, env: Environment): Promise<KubeConfig> {
  // Loaded only here: it takes half a second, and a ledger file needs none of it.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    const [first, ...others] = kubeconfigPaths(kubeconfig, env);
    if (first === undefined) throw new Error('there is no kubeconfig');
    config.loadFromFile(first);
    for (const path of others) {
      const more = new KubeConfig();
      more.loadFromFile(path);
      config.mergeConfig(more, true);
    }
    if (context !== undefined) {
      if (config.getContextObject(context) === null) throw new Error(`it has no context ${JSON.stringify(context)}`);
      config.setCurrentContext(context);
    }
    if (config.getCurrentCluster() === null) throw new Error('it has no current context with a cluster');
    return config;
  } catch (error) {
    throw new KubeblameError(
      'cluster-unusable',
      `no cluster to ask: ${messageOf(error)}`,
      'name a kubeconfig (--kubeconfig, --context), or ask a ledger with --db FILE or --server URL',
      { cause: error },
    );
  }
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
    private readonly flags: ClusterFlags,
  ) {}

  get name(): string {
    return JSON.stringify(this.config.getCurrentCluster()?.name ?? '');
  }

  async send(method: string, path: string, more: Record<string, string> = {}, body?: string): Promise<Answer> {
    const server = this.config.getCurrentCluster()?.server ?? '';
    const url = new URL(server.replace(/\/$/, '') + path);
    const headers: Record<string, string | string[]> = { Accept: 'application/json', ...this.impersonation(), ...more };
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
    return send(url, options, body).catch((error: unknown) => {
      throw new KubeblameError(
        'server-unreachable',
        `the API server ${url.origin} cannot be reached: ${messageOf(error)}`,
        'check --context and --kubeconfig; kubectl version tells whether kubectl reaches it',
        { cause: error },
      );
    });
  }

  private impersonation(): Record<string, string | string[]> {
    const { as, asGroup } = this.flags;
    if (as === undefined && asGroup !== undefined) {
      throw new KubeblameError('usage-invalid', '--as-group needs --as', 'name the user too, as kubectl wants it');
    }
    return {
      ...(as === undefined ? {} : { 'Impersonate-User': as }),
      ...(asGroup === undefined ? {} : { 'Impersonate-Group': asGroup }),
    };
  }
}

class NativeTransport implements Transport {
  readonly name: string;

  constructor(private readonly api: ApiServer) {
    this.name = `the cluster ${api.name}`;
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
