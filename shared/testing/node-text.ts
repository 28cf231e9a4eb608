import type { GraphNode } from '../landscape/types.ts';

/** `deployment shop/web`, `host shop.example.com`. */
export function nodeText(node: GraphNode | undefined): string {
  if (node === undefined) return 'nothing';
  if (node.is !== 'object') return `${node.is} ${node.name}`;
  const { kind, namespace, name } = node.object;
  return `${kind.toLowerCase()} ${namespace}/${name}`;
}
