import { argoAutomation } from '../../../../shared/origins/argo.ts';
import { fluxState } from '../../../../shared/origins/flux.ts';
import type { Switch } from '../../../../shared/origins/manual.ts';
import type { JsonObject, ObjectRef } from '../../../../shared/types.ts';

const ARGO = new Set(['argoproj.io/applications', 'argoproj.io/applicationsets']);
const FLUX = /^(?:kustomize|helm|source)\.toolkit\.fluxcd\.io\//;

/** What a change of a tool's own object switches off; null where it is none, or goes on. `after` null: it is deleted. */
export function switchedBy(object: ObjectRef, before: JsonObject | null, after: JsonObject | null): Switch | null {
  const type = `${object.group}/${object.resource}`;
  const isTool = ARGO.has(type) || FLUX.test(type);
  if (!isTool || before === null) return null;
  if (after === null) return 'deleted';
  if (FLUX.test(type)) return !fluxState(before).suspended && fluxState(after).suspended ? 'suspended' : null;
  const [was, is] = [argoAutomation(before), argoAutomation(after)];
  if (was.automated && !is.automated) return 'automatic sync switched off';
  return was.selfHeal && !is.selfHeal ? 'self-heal switched off' : null;
}
