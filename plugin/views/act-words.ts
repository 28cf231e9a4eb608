import { memberOf } from '../../shared/json.ts';
import { NOT_KEPT_REASONS, notKeptOf } from '../../shared/not-kept.ts';
import type { Change } from '../../shared/types.ts';
import { listOf, texts } from './members.ts';

/** Acts have no body: what was done is in the subresource and the request's options. */
export function actWords(change: Change): string {
  const notKept = notKeptOf(change.options);
  if (notKept === null) return wordsOf(change);
  const { subresource, operation } = change;
  const what = `${operation.toLowerCase()}${subresource === '' ? '' : `/${subresource}`}`;
  return `${what}: its body of ${notKept.bytes} bytes was not kept: ${NOT_KEPT_REASONS[notKept.reason]}`;
}

function wordsOf({ subresource, operation, options }: Change): string {
  switch (subresource) {
    case 'eviction':
      return 'evicted';
    case 'token': {
      const audiences = texts(listOf(memberOf(options, 'audiences') ?? memberOf(options, 'spec', 'audiences')));
      return audiences.length === 0 ? 'token requested' : `token requested for ${audiences.join(', ')}`;
    }
    case 'exec':
    case 'attach': {
      const command = texts(listOf(memberOf(options, 'command'))).join(' ');
      const [container] = texts([memberOf(options, 'container')]);
      return `${subresource}${container === undefined ? '' : ` in ${container}`}${command === '' ? '' : `: ${command}`}`;
    }
    case 'portforward': {
      const ports = texts(listOf(memberOf(options, 'ports')));
      return ports.length === 0 ? 'port forwarded' : `port forwarded: ${ports.join(', ')}`;
    }
    case 'proxy': {
      const [path] = texts([memberOf(options, 'path')]);
      return path === undefined ? 'proxied' : `proxied: ${path}`;
    }
    case '':
      return operation === 'DELETE' ? 'deletion requested' : `${operation.toLowerCase()} without effect`;
    default:
      return subresource;
  }
}

/** How a delete was asked for, where it was not the plain one. */
export function optionWords({ options }: Change): string {
  const [policy] = texts([memberOf(options, 'propagationPolicy')]);
  const grace = memberOf(options, 'gracePeriodSeconds');
  const parts = [
    ...(policy === undefined || policy === 'Background' ? [] : [policy.toLowerCase()]),
    ...(typeof grace === 'number' ? [`grace ${grace}s`] : []),
  ];
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}
