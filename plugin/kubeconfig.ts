import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve, sep } from 'node:path';
import { parse } from 'yaml';

export type Environment = Readonly<Record<string, string | undefined>>;

/** kubectl's own flags: which cluster, and as whom. */
export interface ClusterFlags {
  kubeconfig?: string;
  context?: string;
  cluster?: string;
  as?: string;
  asGroup?: string[];
  asUid?: string;
  token?: string;
  /** ms; 0 for no limit. */
  requestTimeout?: number;
}

/** What a kubeconfig says about one cluster, context or user, by the file's own names. Paths are absolute. */
export type Entry = Readonly<Record<string, unknown>>;

/** One kubeconfig, or several that were merged. */
interface Kubeconfig {
  currentContext: string;
  clusters: ReadonlyMap<string, Entry>;
  contexts: ReadonlyMap<string, Entry>;
  users: ReadonlyMap<string, Entry>;
}

/** The cluster that kubectl would speak to, and as whom. */
export interface Target {
  clusterName: string;
  cluster: Entry;
  /** Empty where the context names no user. */
  user: Entry;
}

/** The kubeconfig files in kubectl's order: --kubeconfig, $KUBECONFIG (several), ~/.kube/config. Some may not exist. */
function kubeconfigPaths(flag: string | undefined, env: Environment): string[] {
  if (flag !== undefined) return [flag];
  const paths = (env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '');
  return paths.length > 0 ? [...new Set(paths)] : [join(homedir(), '.kube', 'config')];
}

/** Which cluster and user the kubeconfig and the flags name. Throws an Error that says what is missing. */
export function targetOf(flags: ClusterFlags, env: Environment): Target {
  const files = kubeconfigPaths(flags.kubeconfig, env).flatMap((path) => {
    const file = readKubeconfig(path);
    if (file === null && flags.kubeconfig !== undefined) throw new Error(`there is no file ${path}`);
    return file ?? [];
  });
  if (files.length === 0) throw new Error('there is no kubeconfig');
  const { currentContext, contexts, clusters, users } = merge(files);
  const contextName = flags.context ?? currentContext;
  const context = contexts.get(contextName);
  if (context === undefined && contextName !== '') {
    throw new Error(`the kubeconfig has no context ${JSON.stringify(contextName)}`);
  }
  const clusterName = flags.cluster ?? textOf(context, 'cluster');
  if (clusterName === '') throw new Error('the kubeconfig has no current context with a cluster');
  const cluster = clusters.get(clusterName);
  if (cluster === undefined) throw new Error(`the kubeconfig has no cluster ${JSON.stringify(clusterName)}`);
  const userName = textOf(context, 'user');
  const user = users.get(userName);
  if (user === undefined && userName !== '') {
    throw new Error(`the kubeconfig has no user ${JSON.stringify(userName)}`);
  }
  return { clusterName, cluster, user: user ?? {} };
}

/**
 * The namespace that kubectl would use: that of the current context; `default` where there is none. A file that cannot be
 * read is passed over: a ledger file can be asked without a cluster.
 */
export function currentNamespace(env: Environment, flags: ClusterFlags = {}): string {
  const files = kubeconfigPaths(flags.kubeconfig, env).flatMap((path) => {
    try {
      return readKubeconfig(path) ?? [];
    } catch {
      return [];
    }
  });
  const { currentContext, contexts } = merge(files);
  return textOf(contexts.get(flags.context ?? currentContext), 'namespace') || 'default';
}

/**
 * Several files as one, by kubectl's rules: the first file that has an entry of a name supplies all of it, and the first
 * current context that is not empty counts
 * (https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files).
 * The client library's own merge rejects names that occur twice.
 */
function merge(files: readonly Kubeconfig[]): Kubeconfig {
  const first = (name: 'clusters' | 'contexts' | 'users'): Map<string, Entry> =>
    new Map(files.toReversed().flatMap((file) => [...file[name]]));
  return {
    currentContext: files.map(({ currentContext }) => currentContext).find((name) => name !== '') ?? '',
    clusters: first('clusters'),
    contexts: first('contexts'),
    users: first('users'),
  };
}

/** null where there is no such file. Throws an Error that names the file where it cannot be read. */
function readKubeconfig(path: string): Kubeconfig | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    throw new Error(`${path} is not YAML: ${(error as Error).message.split('\n')[0]}`, { cause: error });
  }
  const file = entryOf(document);
  const folder = dirname(resolve(path));
  return {
    currentContext: textOf(file, 'current-context'),
    clusters: entriesOf(file['clusters'], 'cluster', (cluster) => absolute(cluster, ['certificate-authority'], folder)),
    contexts: entriesOf(file['contexts'], 'context', (context) => context),
    users: entriesOf(file['users'], 'user', (user) => absoluteUser(user, folder)),
  };
}

/** A list of `{name, [member]: entry}` by name; of a name that occurs twice the first counts. */
function entriesOf(list: unknown, member: string, read: (entry: Entry) => Entry): Map<string, Entry> {
  const items = (Array.isArray(list) ? list : []).map(entryOf).filter((item) => textOf(item, 'name') !== '');
  return new Map(items.toReversed().map((item) => [textOf(item, 'name'), read(entryOf(item[member]))]));
}

function absoluteUser(user: Entry, folder: string): Entry {
  const found = absolute(user, ['client-certificate', 'client-key', 'tokenFile'], folder);
  const exec = entryOf(user['exec']);
  // A command without a slash is looked for on the PATH.
  return textOf(exec, 'command').includes(sep) ? { ...found, exec: absolute(exec, ['command'], folder) } : found;
}

/** Paths in a kubeconfig start from its folder. */
function absolute(entry: Entry, names: readonly string[], folder: string): Entry {
  const paths = names.filter((name) => textOf(entry, name) !== '');
  return { ...entry, ...Object.fromEntries(paths.map((name) => [name, resolve(folder, textOf(entry, name))])) };
}

function entryOf(value: unknown): Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Entry) : {};
}

/** '' where it is missing, or no text. */
export function textOf(entry: Entry | undefined, name: string): string {
  const value = entry?.[name];
  return typeof value === 'string' ? value : '';
}
