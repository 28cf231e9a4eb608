import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parse } from 'yaml';

interface Kubeconfig {
  'current-context'?: string;
  contexts?: { name?: string; context?: { namespace?: string } }[];
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** kubectl's own flags: which cluster, and as whom. */
export interface ClusterFlags {
  kubeconfig?: string;
  context?: string;
  as?: string;
  asGroup?: string[];
}

/** The kubeconfig files that exist, as kubectl takes them: --kubeconfig, $KUBECONFIG (several), ~/.kube/config. */
export function kubeconfigPaths(flag: string | undefined, env: Environment): string[] {
  if (flag !== undefined) return [flag];
  const paths = (env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '');
  return (paths.length > 0 ? paths : [join(homedir(), '.kube', 'config')]).filter((path) => existsSync(path));
}

/**
 * The namespace that kubectl would use: of the current context, in the first kubeconfig that names one; `default` where
 * there is none. A file that cannot be read is passed over, as kubectl does.
 */
export function currentNamespace(env: Environment, flags: ClusterFlags = {}): string {
  const files = kubeconfigPaths(flags.kubeconfig, env).flatMap(readKubeconfig);
  const current = flags.context ?? files.find((file) => file['current-context'] !== undefined)?.['current-context'];
  const context = files.flatMap(({ contexts }) => contexts ?? []).find(({ name }) => name === current);
  return context?.context?.namespace ?? 'default';
}

function readKubeconfig(path: string): Kubeconfig[] {
  try {
    const file = parse(readFileSync(path, 'utf8')) as Kubeconfig | null;
    return typeof file === 'object' && file !== null ? [file] : [];
  } catch {
    return [];
  }
}
