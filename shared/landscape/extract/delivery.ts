import type { Place } from '../place.ts';
import type { Facts } from '../types.ts';
import { selectorAt, type Extractor } from './extractor.ts';

/** Annotations by which objects say what they belong to. Others are no facts: they would only cost room. */
const ANNOTATIONS = [
  'argocd.argoproj.io/tracking-id',
  'meta.helm.sh/release-name',
  'meta.helm.sh/release-namespace',
  'backstage.io/kubernetes-id',
  'team',
  'owner',
];

/** The annotations that say what an object belongs to. */
export function annotationsOf(body: Place): Facts {
  const all = body.get('metadata.annotations');
  const found = ANNOTATIONS.flatMap((key) => {
    const { text } = all.member(key);
    return text === '' ? [] : [[key, text] as const];
  });
  return found.length === 0 ? {} : { annotations: Object.fromEntries(found) };
}

/** An Application of Argo CD: the revision that it synced last, which is not yet the one that it compares with. */
export const argoApplicationExtractor: Extractor = (body) => {
  const synced = body.get('status.history').items().at(-1) ?? body.get('status.operationState.syncResult');
  // One of several sources has several.
  const revision = synced.get('revision').text || synced.get('revisions').texts.join(',');
  return delivered(revision, '');
};

/** A Kustomization of Flux. */
export const kustomizationExtractor: Extractor = (body) => delivered(body.get('status.lastAppliedRevision').text, '');

/** A HelmRelease of Flux: since v2 with a history, before with the last applied revision alone. */
export const helmReleaseExtractor: Extractor = (body) => {
  const [last] = body.get('status.history').items();
  const version = last?.get('chartVersion').text ?? body.get('status.lastAppliedRevision').text;
  const name = last?.get('chartName').text ?? body.get('spec.chart.spec.chart').text;
  return delivered('', name !== '' && version !== '' ? `${name}-${version}` : '');
};

/** An Application of app.k8s.io: it has what its selector matches, in its namespace. */
export const sigApplicationExtractor: Extractor = (body) => {
  const selector = selectorAt(body.get('spec.selector'));
  return selector === null || selector.length === 0 ? {} : { gathers: selector };
};

function delivered(revision: string, chart: string): Facts {
  if (revision === '' && chart === '') return {};
  return { delivered: { ...(revision === '' ? {} : { revision }), ...(chart === '' ? {} : { chart }) } };
}
