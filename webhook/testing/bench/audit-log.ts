import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync, rmSync, statSync } from 'node:fs';

export interface AuditRow {
  megabytes: number;
  requests: number;
  /** Of the log, in a second of the clock. */
  mbPerSecond: number;
  perSecond: number;
  /** The most memory that the import had (VmHWM), in MB; NaN where /proc does not tell. */
  peakMb: number;
  /** Bytes of the ledger for each byte of the log. */
  ofLog: number;
}

const OBJECTS = 2_000;
const STARTED_AT = Date.parse('2026-11-22T05:00:00Z');
const EVERY_MS = 20;

/** What importing an audit log of a size (bytes) takes, with the built `program`. */
export async function measureAuditLog(
  path: (name: string) => string,
  program: string,
  bytes: number,
): Promise<AuditRow> {
  const [log, ledger] = [path('audit.log'), path('audit.db')];
  const requests = await writeLog(log, bytes);
  const started = performance.now();
  const args = [program, 'import', '--audit', log, '--db', ledger];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  let peakMb = NaN;
  const timer = setInterval(() => (peakMb = peakOf(child.pid ?? -1) ?? peakMb), 100);
  const [code] = (await once(child, 'close')) as [number | null];
  clearInterval(timer);
  if (code !== 0) throw new Error(`the import ended with ${String(code)}`);
  const seconds = (performance.now() - started) / 1000;
  const size = statSync(log).size;
  const row = {
    ...{ megabytes: size / 1e6, requests, mbPerSecond: size / 1e6 / seconds, perSecond: requests / seconds, peakMb },
    ofLog: statSync(ledger).size / size,
  };
  for (const file of [log, ledger]) rmSync(file);
  return row;
}

function peakOf(pid: number): number | null {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  } catch {
    // It has ended.
    return null;
  }
}

/** Updates of Deployments, one after another, as an API server logs them at RequestResponse: how many. */
async function writeLog(path: string, bytes: number): Promise<number> {
  const file = createWriteStream(path);
  let written = 0;
  let number = 0;
  for (; written < bytes; number++) {
    const line = `${JSON.stringify(requestOf(number))}\n`;
    written += line.length;
    if (!file.write(line)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
  return number;
}

function requestOf(number: number): object {
  const [n, generation] = [number % OBJECTS, 1 + Math.floor(number / OBJECTS)];
  const [name, namespace] = [`web-${n}`, `ns-${n % 40}`];
  const stamp = new Date(STARTED_AT + number * EVERY_MS).toISOString().replace('Z', '000Z');
  const id = (first: string): string => `${first}0000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
  const container = {
    name: 'web',
    image: `registry.example.com/shop/web:24.${generation}.0`,
    env: Array.from({ length: 8 }, (_, index) => ({ name: `SETTING_${index}`, value: `value ${index} of ${name}` })),
    resources: { limits: { cpu: '1', memory: '256Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
  };
  const labels = { app: name, 'app.kubernetes.io/part-of': 'shop' };
  const object = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      ...{ name, namespace, uid: `10000000-0000-4000-8000-${String(n).padStart(12, '0')}`, labels, generation },
      ...{ resourceVersion: String(1_000 + number), creationTimestamp: '2026-11-01T00:00:00Z' },
    },
    spec: {
      replicas: 1 + (generation % 5),
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
    status: { observedGeneration: generation, replicas: 1 },
  };
  return {
    ...{
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: 'RequestResponse',
      auditID: id('2'),
      stage: 'ResponseComplete',
    },
    requestURI: `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`,
    ...{
      verb: 'update',
      user: { username: `user-${number % 50}@example.com`, groups: ['dev', 'system:authenticated'] },
    },
    ...{ sourceIPs: ['192.0.2.7'], userAgent: 'kubectl/v1.36.0 (linux/amd64) kubernetes/abcdef0' },
    objectRef: {
      resource: 'deployments',
      namespace,
      name,
      uid: object.metadata.uid,
      apiGroup: 'apps',
      apiVersion: 'v1',
    },
    responseStatus: { metadata: {}, code: 200 },
    // What was asked is made on the version before.
    requestObject: { ...object, metadata: { ...object.metadata, resourceVersion: String(1_000 + number - OBJECTS) } },
    ...{ responseObject: object, requestReceivedTimestamp: stamp, stageTimestamp: stamp },
    annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
  };
}
