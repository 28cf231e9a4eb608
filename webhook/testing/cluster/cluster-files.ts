import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { createAuthority, issueClientCertificate, issueServingCertificate } from '../../../certs/certificates.ts';

/** Who can act on a test's cluster, with their groups. People may do nothing before a test grants it. */
export const CLUSTER_USERS: Readonly<Record<string, readonly string[]>> = {
  admin: ['system:masters'],
  'alice@example.com': ['dev-team'],
  'bob@example.com': ['sre'],
  'carol@example.com': [],
  'system:kube-controller-manager': ['system:masters'],
};

/** Reads are not logged: of them nothing is persisted. Secrets are, since it is a test's own. */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'None', verbs: ['get', 'list', 'watch'] }, { level: 'RequestResponse' }],
};

export interface ClusterFiles {
  url: string;
  /** PEM that a client of the API server trusts. */
  ca: string;
  /** The CA of the certificate that the API server proves itself with to aggregated servers. */
  frontProxyCa: string;
  auditLog: string;
  token(user: string): string;
  /** A kubeconfig file of that user. */
  kubeconfig(user: string): string;
  etcdArguments: string[];
  apiServerArguments: string[];
}

/** Writes everything that etcd and kube-apiserver read from files, and says with which options they start. */
export async function writeClusterFiles(
  file: (name: string) => string,
  ports: { etcd: number; etcdPeer: number; api: number },
): Promise<ClusterFiles> {
  const write = (name: string, content: string): string => {
    writeFileSync(file(name), content);
    chmodSync(file(name), 0o600);
    return file(name);
  };
  // The real clock: whoever checks a certificate uses it.
  const validity = { now: new Date(), validDays: 1 };
  const authority = await createAuthority({ ...validity, commonName: 'test-cluster' });
  const frontProxy = await createAuthority({ ...validity, commonName: 'test-front-proxy' });
  const serving = await issueServingCertificate(authority, {
    ...validity,
    dnsNames: ['localhost', 'kubernetes.default.svc'],
    ipAddresses: ['127.0.0.1'],
  });
  const proxyClient = await issueClientCertificate(frontProxy, { ...validity, commonName: 'front-proxy-client' });
  const accounts = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  const users = Object.entries(CLUSTER_USERS).map(([name, groups]) => ({ name, token: `token-of-${name}`, groups }));
  const url = `https://127.0.0.1:${ports.api}`;
  for (const { name, token } of users) write(`${name}.kubeconfig`, kubeconfigOf(url, authority.certificate, token));
  const tokens = users.map(({ name, token, groups }) => `${token},${name},uid-of-${name},"${groups.join(',')}"\n`);
  const known = (user: string): string => {
    if (!(user in CLUSTER_USERS)) throw new RangeError(`the cluster has no user ${user}`);
    return user;
  };
  const etcd = `http://127.0.0.1:${ports.etcd}`;
  const etcdPeer = `http://127.0.0.1:${ports.etcdPeer}`;
  return {
    url,
    ca: authority.certificate,
    frontProxyCa: frontProxy.certificate,
    auditLog: file('audit.log'),
    token: (user) => `token-of-${known(user)}`,
    kubeconfig: (user) => file(`${known(user)}.kubeconfig`),
    etcdArguments: [
      `--data-dir=${file('etcd')}`,
      `--listen-client-urls=${etcd}`,
      `--advertise-client-urls=${etcd}`,
      `--listen-peer-urls=${etcdPeer}`,
      `--initial-advertise-peer-urls=${etcdPeer}`,
      `--initial-cluster=default=${etcdPeer}`,
      // It outlives no test.
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
    apiServerArguments: [
      `--etcd-servers=${etcd}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${ports.api}`,
      `--tls-cert-file=${write('api.crt', serving.certificate)}`,
      `--tls-private-key-file=${write('api.key', serving.privateKey)}`,
      `--cert-dir=${file('certs')}`,
      `--client-ca-file=${write('ca.crt', authority.certificate)}`,
      `--token-auth-file=${write('tokens.csv', tokens.join(''))}`,
      '--authorization-mode=RBAC',
      // Nothing makes the account `default` in each namespace that it wants.
      '--disable-admission-plugins=ServiceAccount',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${write('sa.pub', accounts.publicKey.export({ type: 'spki', format: 'pem' }).toString())}`,
      `--service-account-signing-key-file=${write('sa.key', accounts.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())}`,
      // Aggregation. A Service of type ExternalName `localhost` leads to a server of the test; endpoints may not.
      `--requestheader-client-ca-file=${write('front-proxy-ca.crt', frontProxy.certificate)}`,
      '--requestheader-allowed-names=front-proxy-client',
      '--requestheader-username-headers=X-Remote-User',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      `--proxy-client-cert-file=${write('front-proxy-client.crt', proxyClient.certificate)}`,
      `--proxy-client-key-file=${write('front-proxy-client.key', proxyClient.privateKey)}`,
      // JSON is YAML.
      `--audit-policy-file=${write('audit-policy.yaml', JSON.stringify(AUDIT_POLICY))}`,
      // Written before the answer is: what a test has done, it can read there.
      '--audit-log-mode=blocking',
      `--audit-log-path=${file('audit.log')}`,
      '--service-cluster-ip-range=10.0.0.0/24',
      '--endpoint-reconciler-type=none',
      '--allow-privileged=true',
    ],
  };
}

function kubeconfigOf(server: string, ca: string, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name: 'user', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'user' } }],
    'current-context': 'test',
  });
}
