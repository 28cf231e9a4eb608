import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parse } from 'yaml';

interface Kubeconfig {
  'current-context'?: string;
  contexts?: { name?: string; context?: { namespace?: string } }[];
}

/**
 * The namespace that kubectl would use: of the current context, in the first kubeconfig that names one; `default` where
 * there is none. A file that cannot be read is passed over, as kubectl does.
 */
export function currentNamespace(env: Readonly<Record<string, string | undefined>>): string {
  const paths = (env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '');
  const files = (paths.length > 0 ? paths : [join(homedir(), '.kube', 'config')]).flatMap(readKubeconfig);
  const current = files.find((file) => file['current-context'] !== undefined)?.['current-context'];
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
