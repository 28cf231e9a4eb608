/** True for Kubernetes' own users and service accounts: they act for somebody else. `system:admin` is a person's key. */
export function isMachine(username: string): boolean {
  return username.startsWith('system:') && username !== 'system:admin';
}
