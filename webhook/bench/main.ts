import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { makeLocalCertificates } from '../../certs/local-certificates.ts';
import { shopLines } from '../../shared/testing/shop.ts';
import { importShop } from '../testing/shop-ledger.ts';
import { load, type LoadResult } from './load.ts';
import { observerMemory } from './observer-memory.ts';

/*
 * `make bench`: ratios against a baseline taken in the same run, on the bodies of the shop recording. Nothing is gated.
 */
const CONNECTIONS = [1, 16, 64];
const ROUNDS = 3;
/** Neither is in the ledger, so neither is counted in the audit log. */
const SKIPPED = new Set(['leases', 'events', 'endpoints']);

const folder = mkdtempSync(join(tmpdir(), 'kubeblame-bench-'));
const path = (name: string): string => join(folder, name);
const source = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

async function start(script: string, args: string[]): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const entry = JSON.parse(line) as { msg: string; admission: { port: number } };
    if (entry.msg !== 'serving') continue;
    child.stdout.resume();
    return { child, url: `https://127.0.0.1:${entry.admission.port}/admit` };
  }
  throw new Error(`${script} ended before it served`);
}

interface Recorded {
  receivedAt: string;
  review: {
    request: {
      resource: { resource: string };
      name?: string;
      namespace?: string;
      object?: { metadata?: { name?: string } } | null;
      oldObject?: { metadata?: { name?: string } } | null;
    };
  };
}

const recorded = shopLines('reviews.ndjson.gz')
  .map((line) => JSON.parse(line) as Recorded)
  .filter(({ review }) => !SKIPPED.has(review.request.resource.resource));

/**
 * The recording's reviews, so many times over, in lanes. As a cluster sends them: an object's reviews come one after
 * another, so they are in one lane; each round is about objects of its own, in namespaces and with uids of its own.
 */
function lanesOf(count: number, rounds: number, salt: number): Buffer[][] {
  const lanes: Buffer[][] = Array.from({ length: count }, () => []);
  for (let round = 0; round < rounds; round++) {
    const mark = (salt * 1000 + round).toString(16).padStart(6, '0');
    for (const { review } of recorded) {
      const { resource, name, namespace = '', object, oldObject } = review.request;
      const key = `${resource.resource}/${namespace}/${name ?? object?.metadata?.name ?? oldObject?.metadata?.name ?? ''}`;
      const text = JSON.stringify(review)
        .replace(/"uid":"[0-9a-f]{6}/g, `"uid":"${mark}`)
        .replace(/"namespace":"/g, `"namespace":"r${mark}-`);
      lanes[hash(key) % count]?.push(Buffer.from(text));
    }
  }
  return lanes;
}

function hash(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0);
}

async function measure(script: string, args: string[]): Promise<LoadResult[]> {
  const { child, url } = await start(script, args);
  const ca = readFileSync(path('ca.crt'));
  try {
    await load(url, ca, lanesOf(16, 1, 1)); // warm
    const results: LoadResult[] = [];
    for (const [index, connections] of CONNECTIONS.entries()) {
      results.push(await load(url, ca, lanesOf(connections, ROUNDS, index + 2)));
    }
    return results;
  } finally {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  }
}

async function admission(): Promise<void> {
  const [cert, key] = [path('tls.crt'), path('tls.key')];
  const baseline = await measure(source('baseline-server.ts'), [cert, key]);
  const kubeblame = await measure(source('../main.ts'), [
    'serve',
    '--db',
    path('bench.db'),
    '--tls-cert',
    cert,
    '--tls-key',
    key,
    '--listen',
    '127.0.0.1:0',
    '--read-listen',
    '127.0.0.1:0',
  ]);
  const table = new Table({
    head: ['connections', 'baseline req/s', 'kubeblame req/s', 'ratio', 'p50 ms', 'p99 ms', 'p99 ratio'],
    style: { head: [], border: [] },
  });
  CONNECTIONS.forEach((connections, index) => {
    const [base, ours] = [baseline[index], kubeblame[index]];
    if (base === undefined || ours === undefined) return;
    table.push([
      connections,
      base.requestsPerSecond.toFixed(0),
      ours.requestsPerSecond.toFixed(0),
      (ours.requestsPerSecond / base.requestsPerSecond).toFixed(2),
      `${ours.p50Ms.toFixed(1)} (${base.p50Ms.toFixed(1)})`,
      `${ours.p99Ms.toFixed(1)} (${base.p99Ms.toFixed(1)})`,
      (ours.p99Ms / base.p99Ms).toFixed(1),
    ]);
  });
  console.log(
    `Admission through HTTPS, each answer after its fsync; baseline: JSON.parse and allow\n${table.toString()}\n`,
  );
}

async function bytes(): Promise<void> {
  const sizes: string[] = [];
  const audit = shopLines('audit.ndjson.gz')
    .filter(
      (line) => !SKIPPED.has((JSON.parse(line) as { objectRef?: { resource?: string } }).objectRef?.resource ?? ''),
    )
    .reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
  for (const baseline of [false, true]) {
    const file = path(`shop-${String(baseline)}.db`);
    const store = await importShop(file, false, baseline);
    const changes = (await store.last())?.seq ?? 0;
    await store.close();
    const size = statSync(file).size;
    sizes.push(
      `  ${baseline ? 'with the baseline of 247 objects' : 'the requests alone'}: ${changes} changes, ${size} bytes, ` +
        `${(size / changes).toFixed(0)} a change, 1/${(audit / size).toFixed(1)} of the audit log`,
    );
  }
  console.log(`Size, indexes included; the audit log of the same requests has ${audit} bytes\n${sizes.join('\n')}\n`);
}

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}\n`);
try {
  await makeLocalCertificates({ directory: folder, now: new Date() });
  await admission();
  await bytes();
  console.log(await observerMemory(path));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
