import { helmRelease, helmSecretPrefix, type HelmRelease } from '../../../../shared/origins/helm.ts';
import type { Delivery } from '../../../../shared/landscape/evidence.ts';
import { labelsOf } from '../../../../shared/labels.ts';
import type { JsonObject, Origin } from '../../../../shared/types.ts';
import type { StoredChange } from '../../../ledger/port/port.ts';
import type { FoundOrigin } from '../origins.ts';
import type { ToolRecords } from './tool-records.ts';

/** An upgrade that waits for its objects takes five minutes at most, unless it is told otherwise (helm: --timeout). */
const WITHIN_MS = 15 * 60_000;

/**
 * The release of Helm that a change belongs to: Helm makes a Secret for each revision before it touches anything. null where no such
 * Secret is recorded, or may be read.
 */
export async function helmOrigin(
  change: StoredChange,
  body: JsonObject | null,
  { name, namespace }: Delivery,
  records: ToolRecords,
): Promise<FoundOrigin | null> {
  const secrets = await records.read({
    ...{ type: { group: '', resource: 'secrets' }, namespace, namePrefix: helmSecretPrefix(name) },
    maxSeq: change.seq - 1,
  });
  const made = secrets.filter((secret) => secret.change.effect === 'created');
  const [newest] = made;
  const release = newest === undefined ? null : helmRelease(newest.body);
  if (newest === undefined || release === null) return null;
  const { actor, at, seq } = newest.change;
  const chart = body === null ? '' : (labelsOf(body)['helm.sh/chart'] ?? '');
  const certain = actor !== null && actor.username === change.actor?.username && change.at - at <= WITHIN_MS;
  return {
    namespace,
    sources: chart === '' ? [] : [{ repository: '', path: '', chart, revision: '' }],
    ...{ helmRevision: release.revision, mode: 'unknown', startedBy: '', startedByOf: '', by: seq, certain },
    why: certain
      ? 'the same user had made the Secret of this revision of the release before'
      : 'the newest revision of the release then',
  };
}

/** The release that a Secret of Helm itself is of. */
export function releaseOrigin(
  { object, seq }: StoredChange,
  { name, revision }: HelmRelease,
): Pick<Origin, 'application' | 'namespace' | 'helmRevision' | 'by' | 'why'> {
  const { namespace } = object;
  return {
    application: name,
    namespace,
    helmRevision: revision,
    by: seq,
    why: 'the labels of the Secret that Helm keeps',
  };
}
