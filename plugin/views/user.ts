import { printable } from './text.ts';

const SERVICE_ACCOUNT = 'system:serviceaccount:';
/** The controllers that kube-controller-manager runs under their own service accounts in kube-system. */
const CONTROLLERS = new Set(
  `attachdetach-controller certificate-controller clusterrole-aggregation-controller cronjob-controller daemon-set-controller
  deployment-controller device-taint-eviction-controller disruption-controller endpoint-controller endpointslice-controller
  endpointslicemirroring-controller ephemeral-volume-controller expand-controller generic-garbage-collector
  horizontal-pod-autoscaler job-controller legacy-service-account-token-cleaner namespace-controller node-controller
  persistent-volume-binder pod-garbage-collector pv-protection-controller pvc-protection-controller replicaset-controller
  replication-controller resource-claim-controller resourcequota-controller root-ca-cert-publisher route-controller
  selinux-warning-controller service-account-controller service-cidrs-controller service-controller statefulset-controller
  storage-version-migrator-controller taint-eviction-controller token-cleaner bootstrap-signer ttl-after-finished-controller
  ttl-controller validatingadmissionpolicy-status-controller volumeattributesclass-protection-controller`.split(/\s+/),
);
/** Delivery tools where their default installation runs them. */
const TOOLS: Readonly<Record<string, string>> = {
  argocd: `${SERVICE_ACCOUNT}argocd:argocd-application-controller`,
  'argocd-server': `${SERVICE_ACCOUNT}argocd:argocd-server`,
  flux: `${SERVICE_ACCOUNT}flux-system:kustomize-controller`,
};
const COMPONENTS = new Set(['kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'apiserver']);

/**
 * A user's name for a table: `deployment-controller`, `argocd`, `sa:shop/ci-bot`, `node:node-2`, `kube-scheduler`. Only names that
 * Kubernetes reserves (`system:`) are shortened; a user who is really called like a short form is put in quotes.
 */
export function shortUser(username: string): string {
  const short = shortened(username);
  if (short !== null) return printable(short);
  return expanded(username) === null ? printable(username) : JSON.stringify(printable(username));
}

function shortened(username: string): string | null {
  const tool = Object.keys(TOOLS).find((name) => TOOLS[name] === username);
  if (tool !== undefined) return tool;
  if (username.startsWith(SERVICE_ACCOUNT)) {
    const [namespace, name, ...rest] = username.slice(SERVICE_ACCOUNT.length).split(':');
    if (name === undefined || rest.length > 0) return null;
    return namespace === 'kube-system' && CONTROLLERS.has(name) ? name : `sa:${namespace}/${name}`;
  }
  if (username.startsWith('system:node:')) return username.slice('system:'.length);
  const component = username.slice('system:'.length);
  return username.startsWith('system:') && COMPONENTS.has(component) ? component : null;
}

/** The whole name of a short form, so that what a table shows can be asked for; null where it is none. */
function expanded(short: string): string | null {
  if (Object.hasOwn(TOOLS, short)) return TOOLS[short] ?? null;
  if (CONTROLLERS.has(short)) return `${SERVICE_ACCOUNT}kube-system:${short}`;
  if (COMPONENTS.has(short)) return `system:${short}`;
  if (/^node:./.test(short)) return `system:${short}`;
  const [, namespace, name] = /^sa:([^:/]+)\/([^:/]+)$/.exec(short) ?? [];
  return namespace === undefined || name === undefined ? null : `${SERVICE_ACCOUNT}${namespace}:${name}`;
}

/** What --user means: a name, or its short form as tables show it. A name in quotes is never a short form. */
export function expandUser(text: string): string {
  const quoted = /^"(.*)"$/.exec(text)?.[1];
  return quoted ?? expanded(text) ?? text;
}

export { isMachine } from '../../shared/machines.ts';
