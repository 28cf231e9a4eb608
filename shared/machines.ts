/** True for Kubernetes' own users and service accounts: they act for somebody else. `system:admin` is a person's key. */
export function isMachine(username: string): boolean {
  return username.startsWith('system:') && username !== 'system:admin';
}

/** True for the parts of a Kubernetes control plane, and its nodes: no person, pipeline or operator stands behind them. */
export function isControlPlane(username: string): boolean {
  return /^system:(?:serviceaccount:kube-system:|kube-|node:|apiserver$|cloud-controller-manager$)/.test(username);
}
