import { canonicalJson, parseJson } from '../../../shared/json.ts';
import { normalise, refOf } from '../../../shared/normalise.ts';
import type { Redactor } from '../../../shared/redact.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { DEFAULT_SKIP, Predicates } from '../../record/rules/predicates.ts';
import type { TestCluster } from './cluster.ts';
import { keyOf } from '../ledgers/states.ts';

/** Canonical JSON of every recorded object that `kubectl get` shows now, redacted as a ledger does. */
export async function clusterTruth(cluster: TestCluster, redactor: Redactor): Promise<Map<string, string>> {
  const predicates = new Predicates([], DEFAULT_SKIP);
  const printed = await cluster.kubectl('admin', ['api-resources', '--verbs=list,watch', '--no-headers']);
  const types = printed
    .trimEnd()
    .split('\n')
    .flatMap((line) => {
      // NAME [SHORTNAMES] APIVERSION NAMESPACED KIND
      const [resource = '', ...columns] = line.split(/\s+/);
      const [kind = '', , apiVersion = ''] = columns.reverse();
      const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
      return predicates.skipsResource(group, resource) ? [] : [{ group, resource, kind, apiVersion }];
    });
  const names = types.map(({ group, resource }) => (group === '' ? resource : `${resource}.${group}`));
  const list = parseJson(await cluster.kubectl('admin', ['get', names.join(','), '-A', '-o', 'json'])) as {
    items: JsonObject[];
  };
  const truth = new Map<string, string>();
  for (const item of list.items) {
    const type = types.find(({ kind, apiVersion }) => item.kind === kind && item.apiVersion === apiVersion);
    if (type === undefined) throw new Error(`no resource has the kind of ${canonicalJson(item)}`);
    const ref = refOf(item, type);
    truth.set(keyOf(ref), canonicalJson(redactor.redact(normalise(item).body, ref)));
  }
  return truth;
}
