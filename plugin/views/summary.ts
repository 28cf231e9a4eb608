import { isObject, itemsOf, memberOf, unescapeText } from '../../shared/json.ts';
import type { Json } from '../../shared/types.ts';
import { texts } from './members.ts';
import { printable } from './text.ts';

/**
 * What tells a new object apart from others: its image and replicas, its keys, its type and ports. `short` leaves the
 * registry of images away.
 */
export function summaryOf(object: Json | undefined, short: boolean): string {
  const spec = memberOf(object, 'spec');
  const parts: string[] = [];
  const pod = memberOf(spec, 'template', 'spec') ?? memberOf(spec, 'jobTemplate', 'spec', 'template', 'spec') ?? spec;
  const images = texts(itemsOf(memberOf(pod, 'containers')).map((container) => memberOf(container, 'image')));
  if (images.length > 0)
    parts.push(`image ${images.map((image) => (short ? image.replace(/^.*\//, '') : image)).join(', ')}`);
  const replicas = memberOf(spec, 'replicas');
  if (typeof replicas === 'number') parts.push(`replicas ${replicas}`);
  const [schedule] = texts([memberOf(spec, 'schedule')]);
  if (schedule !== undefined) parts.push(`schedule ${schedule}`);
  const kind = memberOf(object, 'kind');
  if (kind === 'Service') parts.push(...serviceSummary(spec));
  if (kind === 'RoleBinding' || kind === 'ClusterRoleBinding') parts.push(...bindingSummary(object));
  const data = memberOf(object, 'data');
  if (data !== undefined && isObject(data)) {
    const names = Object.keys(data).map((key) => printable(unescapeText(key)));
    if (names.length > 0)
      parts.push(`${names.length === 1 ? 'key' : `${names.length} keys:`} ${names.slice(0, 3).join(', ')}`);
  }
  return parts.join(', ');
}

function serviceSummary(spec: Json | undefined): string[] {
  const ports = texts(itemsOf(memberOf(spec, 'ports')).map((port) => memberOf(port, 'port')));
  return [...texts([memberOf(spec, 'type')]), ...(ports.length > 0 ? [`port ${ports.join(', ')}`] : [])];
}

function bindingSummary(object: Json | undefined): string[] {
  const [role] = texts([memberOf(object, 'roleRef', 'name')]);
  const subjects = texts(itemsOf(memberOf(object, 'subjects')).map((subject) => memberOf(subject, 'name')));
  return role === undefined ? [] : [`${role} for ${subjects.join(', ') || 'nobody'}`];
}
