import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { fileURLToPath } from 'node:url';
import { SingleBar } from 'cli-progress';
import { Command } from 'commander';
import { messageOf } from '../shared/errors.ts';
import { isObject, parseJson, stringifyJson } from '../shared/json.ts';
import { readLines } from '../webhook/platform/files/lines.ts';

/*
 * POSTs recorded reviews to a running server, through real HTTPS, one after another in the order of the recording, as
 * the API server would.
 */

export interface ReplayOptions {
  /** The webhook's URL, such as https://127.0.0.1:8443/admit. */
  url: string;
  /** PEM of the CA that the server's certificate chains to. */
  ca: Buffer;
  /** Lines of {"receivedAt", "review"}, gzip or not. */
  file: string;
  /** Called after each answer with the number so far, and of all. */
  progress?: (answered: number, of: number) => void;
}

export interface ReplayResult {
  answered: number;
  /** The longest time that the server took to answer, in ms. */
  slowestMs: number;
  /** The moment at which half of the reviews had been answered (ms). */
  middleAt: number;
}

/** Rejects where an answer is not `allowed: true` with the review's uid. */
export async function replay({ url, ca, file, progress }: ReplayOptions): Promise<ReplayResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca });
  const reviews: string[] = [];
  for await (const line of readLines(file)) {
    const document = parseJson(line.text);
    if (isObject(document) && document.review !== undefined) reviews.push(stringifyJson(document.review));
  }
  const result: ReplayResult = { answered: 0, slowestMs: 0, middleAt: 0 };
  try {
    for (const review of reviews) {
      const started = performance.now();
      const answer = await post(url, agent, review);
      result.slowestMs = Math.max(result.slowestMs, performance.now() - started);
      requireAllowed(review, answer);
      result.answered++;
      if (result.answered === Math.ceil(reviews.length / 2)) result.middleAt = Date.now();
      progress?.(result.answered, reviews.length);
    }
  } finally {
    agent.destroy();
  }
  return result;
}

function post(url: string, agent: Agent, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`the server answered ${String(response.statusCode)}: ${text}`));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function requireAllowed(review: string, answer: string): void {
  const { response } = JSON.parse(answer) as { response?: { uid?: string; allowed?: boolean } };
  const { request: asked } = JSON.parse(review) as { request: { uid: string } };
  if (response?.allowed !== true || response.uid !== asked.uid) {
    throw new Error(`review ${asked.uid} was answered with ${answer}`);
  }
}

/** A progress bar on a terminal; nothing elsewhere. */
export function replayBar(): { progress: (count: number, of: number) => void; stop: () => void } {
  if (!process.stderr.isTTY) return { progress: () => undefined, stop: () => undefined };
  const bar = new SingleBar({
    format: 'replaying |{bar}| {value} of {total} reviews',
    stream: process.stderr,
    clearOnComplete: true,
  });
  bar.start(1, 0);
  return {
    progress: (count, of) => {
      bar.setTotal(of);
      bar.update(count);
    },
    stop: () => bar.stop(),
  };
}

async function main(): Promise<void> {
  const program = new Command('replay')
    .description('POST recorded admission reviews to a running server')
    .argument('[reviews]', 'lines of {"receivedAt", "review"}, gzip or not', 'shared/fixtures/shop/reviews.ndjson.gz')
    .option('--url <url>', "the webhook's URL", 'https://127.0.0.1:8443/admit')
    .option('--certificate-authority <file>', 'CA of its certificate', 'certs/local/ca.crt')
    .parse();
  const options = program.opts<{ url: string; certificateAuthority: string }>();
  const bar = replayBar();
  try {
    const result = await replay({
      url: options.url,
      ca: readFileSync(options.certificateAuthority),
      file: program.processedArgs[0] as string,
      progress: bar.progress,
    });
    bar.stop();
    process.stdout.write(`${result.answered} reviews answered, the slowest after ${result.slowestMs.toFixed(1)} ms\n`);
  } catch (error) {
    bar.stop();
    process.stderr.write(`error: ${messageOf(error)}\n`);
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
