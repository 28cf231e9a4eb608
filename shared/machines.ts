/** True for Kubernetes' own users and for service accounts, which act for somebody else. `system:admin` counts as a person. */
export function isMachine(username: string): boolean {
  return username.startsWith('system:') && username !== 'system:admin';
}

/** True for components of the control plane and for nodes: no person, pipeline or operator is behind them. */
export function isControlPlane(username: string): boolean {
  return /^system:(?:serviceaccount:kube-system:|kube-|node:|apiserver$|cloud-controller-manager$)/.test(username);
}
