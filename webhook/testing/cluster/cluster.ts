import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseJson } from '../../../shared/json.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { writeClusterFiles, type ClusterFiles } from './cluster-files.ts';
import { Daemon, freePort } from '../server/daemon.ts';
import { HttpsClient, type ClientOptions } from '../server/server.ts';

/** kube-apiserver takes some five seconds where nothing else runs. */
const START_MS = 180_000;
const HOW_TO_GET_THEM =
  'KUBEBUILDER_ASSETS must name a folder with etcd and kube-apiserver (and kubectl, or have it on the PATH): ' +
  'go run sigs.k8s.io/controller-runtime/tools/setup-envtest@latest use -p path';

/** What a kubectl command came to. */
export interface KubectlResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

let told = false;

/** Arguments of the API server, besides; with files that they name in the cluster's folder. */
export type MoreArguments = (file: (name: string) => string) => Promise<string[]>;

/**
 * A cluster for a suite, started before it and stopped after it. Call inside `describe`. Without the binaries the suite
 * is skipped, and one line for the whole run says so; a folder that is named but lacks them is an error.
 */
export function useCluster(more?: MoreArguments): () => TestCluster {
  let cluster: TestCluster | undefined;
  before(async function () {
    this.timeout(2 * START_MS);
    const folder = process.env.KUBEBUILDER_ASSETS ?? '';
    if (folder === '') {
      if (!told) process.stderr.write(`\n!!! END-TO-END TESTS ARE SKIPPED: ${HOW_TO_GET_THEM}\n\n`);
      told = true;
      this.skip();
    }
    cluster = await TestCluster.start(folder, more);
  });
  after(async function () {
    this.timeout(START_MS);
    await cluster?.stop();
  });
  return () => {
    if (cluster === undefined) throw new Error('the cluster is there from `before` on');
    return cluster;
  };
}

/**
 * A real control plane: etcd and kube-apiserver on ports of 127.0.0.1 that were free, with RBAC, static tokens
 * (cluster-files.ts has the users), aggregation and an audit log. No kubelet, and no controllers until they are asked
 * for: until then the roles view, edit and admin are empty, since a controller gathers them. It stops exactly what it
 * started.
 */
export class TestCluster {
  private controllers: Daemon | undefined;
  private readonly clients: HttpsClient[] = [];

  private constructor(
    private readonly assets: string,
    private readonly folder: string,
    private readonly files: ClusterFiles,
    private readonly etcd: Daemon,
    private apiServer: Daemon,
  ) {}

  /** Starts from the binaries of a folder. */
  static async start(assets: string, more?: MoreArguments): Promise<TestCluster> {
    const missing = ['etcd', 'kube-apiserver'].filter((name) => !existsSync(join(assets, name)));
    if (missing.length > 0) throw new Error(`${assets} has no ${missing.join(', no ')}. ${HOW_TO_GET_THEM}`);
    const folder = mkdtempSync(join(tmpdir(), 'kubeblame-cluster-'));
    const file = (name: string): string => join(folder, name);
    const ports = { etcd: await freePort(), etcdPeer: await freePort(), api: await freePort() };
    const files = await writeClusterFiles(file, ports);
    files.apiServerArguments.push(...((await more?.(file)) ?? []));
    const etcd = Daemon.start(join(assets, 'etcd'), files.etcdArguments, file('etcd.log'));
    // It waits for etcd by itself.
    const apiServer = Daemon.start(join(assets, 'kube-apiserver'), files.apiServerArguments, file('api-server.log'));
    const cluster = new TestCluster(assets, folder, files, etcd, apiServer);
    try {
      await cluster.whenReady();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  get url(): string {
    return this.files.url;
  }

  /** Of the API server's process. */
  get apiServerPid(): number {
    return this.apiServer.pid;
  }

  /** PEM that clients of the API server trust. */
  get ca(): string {
    return this.files.ca;
  }

  /** PEM of whom an aggregated server trusts to name the user: as `extension-apiserver-authentication` has it. */
  get frontProxyCa(): string {
    return this.files.frontProxyCa;
  }

  /** A path in the cluster's own folder, which is removed with it. */
  file(name: string): string {
    return join(this.folder, name);
  }

  /** A kubeconfig file of a user. */
  kubeconfig(user: string): string {
    return this.files.kubeconfig(user);
  }

  token(user: string): string {
    return this.files.token(user);
  }

  /** Runs kubectl as a user, with what it reads from stdin. Never rejects for its exit code. */
  async tryKubectl(user: string, args: readonly string[], stdin = ''): Promise<KubectlResult> {
    const own = join(this.assets, 'kubectl');
    const command = existsSync(own) ? own : 'kubectl';
    const { KUBECONFIG: _, ...env } = process.env;
    const options = [`--kubeconfig=${this.kubeconfig(user)}`, `--cache-dir=${this.file('kubectl-cache')}`];
    const child = spawn(command, [...options, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] });
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (part: string) => void (texts[name] += part));
    // It need not read what it is given.
    child.stdin.on('error', () => undefined).end(stdin);
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, ...texts };
  }

  /** Runs kubectl as a user, and resolves with what it printed; rejects where it fails. */
  async kubectl(user: string, args: readonly string[], stdin = ''): Promise<string> {
    const { code, stdout, stderr } = await this.tryKubectl(user, args, stdin);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${String(code)} ${stdout}${stderr}`);
    return stdout;
  }

  /** Requests to the API server as a user, where kubectl is too slow or cannot say it. */
  client(user: string, options: ClientOptions = {}): HttpsClient {
    const { hostname: host, port } = new URL(this.url);
    const headers = { Authorization: `Bearer ${this.token(user)}`, ...options.headers };
    const client = new HttpsClient({ host, port: Number(port) }, this.ca, { ...options, headers });
    this.clients.push(client);
    return client;
  }

  /** The audit log so far: level RequestResponse, without get, list and watch. Oldest first. */
  auditLog(): JsonObject[] {
    const lines = readFileSync(this.files.auditLog, 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => parseJson(line) as JsonObject);
  }

  /** Holds the API server: its connections stay open, and nothing is answered. */
  pauseApiServer(): Promise<void> {
    return this.apiServer.pause();
  }

  resumeApiServer(): void {
    this.apiServer.resume();
  }

  stopApiServer(): Promise<void> {
    return this.apiServer.stop();
  }

  /** Starts the API server again, at the same address on the same data. */
  async startApiServer(): Promise<void> {
    const command = join(this.assets, 'kube-apiserver');
    this.apiServer = Daemon.start(command, this.files.apiServerArguments, this.file('api-server.log'));
    await this.whenReady();
  }

  /** Starts kube-controller-manager with these controllers; false where the assets do not have it. */
  startControllers(controllers: readonly string[]): boolean {
    const command = join(this.assets, 'kube-controller-manager');
    if (!existsSync(command)) return false;
    const args = [
      `--kubeconfig=${this.kubeconfig('system:kube-controller-manager')}`,
      `--controllers=${controllers.join(',')}`,
      '--leader-elect=false',
      '--secure-port=0',
      `--service-account-private-key-file=${this.file('sa.key')}`,
    ];
    this.controllers = Daemon.start(command, args, this.file('controller-manager.log'));
    return true;
  }

  /** Ends everything at once: what it kept is thrown away. Safe to call again. */
  async stop(): Promise<void> {
    for (const client of this.clients) client.close();
    await this.controllers?.stop('SIGKILL');
    await this.apiServer.stop('SIGKILL');
    await this.etcd.stop('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async whenReady(): Promise<void> {
    const client = this.client('admin');
    await this.apiServer.whenReady(async () => (await client.get('/readyz')).status === 200, START_MS);
  }
}
