import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';

const gzipped = promisify(gzip);

/** A hub that does not answer for so long is not there. */
const TIMEOUT_MS = 60_000;

/** Where a hub is, and who pushes there. */
export interface HubTarget {
  url: string;
  tokenFile: string;
  /** PEM; null trusts what the system trusts. */
  caFile: string | null;
}

/** Where the hub stands with our ledger. */
export interface HubHead {
  origin: string;
  commit: number;
  /** In base64; '' where it has nothing. */
  hash: string;
  /** Up to how many commits a signed checkpoint agrees. */
  signed: number;
  state: 'active' | 'forked' | 'retired';
  reason: string;
}

/** What became of a push. */
export type PushAnswer =
  | { is: 'taken'; commit: number; hash: string }
  /** The hub stands somewhere else. */
  | { is: 'conflict'; reason: string }
  /** It will not take it, however often it is sent. */
  | { is: 'refused' | 'forked'; reason: string };

/** It may go later. */
export class NotNow extends Error {
  constructor(
    message: string,
    /** What the hub asks for (ms); null where it says nothing. */
    readonly afterMs: number | null = null,
  ) {
    super(message);
    this.name = 'NotNow';
  }
}

/** What a shipper needs of a hub. All reject with NotNow where it may go later. */
export interface Hub {
  head(signal: AbortSignal): Promise<HubHead>;
  /** The hash of a commit that the hub has, in base64; null where it has it not. */
  hashOf(commit: number, signal: AbortSignal): Promise<string | null>;
  push(origin: string, after: number, lines: readonly string[], signal: AbortSignal): Promise<PushAnswer>;
  close(): void;
}

/** Throws config-invalid where a file cannot be read. */
export function hubClient({ url, tokenFile, caFile }: HubTarget): Hub {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 1,
    ...(caFile === null ? {} : { ca: read(caFile, '--hub-ca') }),
  });
  read(tokenFile, '--hub-token-file');
  const ask = async (
    path: string,
    signal: AbortSignal,
    body?: Buffer,
  ): Promise<{ status: number; answer: Record<string, unknown> }> => {
    // Read each time: a token that is mounted into a pod is renewed.
    const headers = {
      Authorization: `Bearer ${read(tokenFile, '--hub-token-file').toString().trim()}`,
      ...(body === undefined
        ? {}
        : {
            'Content-Type': 'application/x-ndjson',
            'Content-Encoding': 'gzip',
            'Content-Length': String(body.length),
          }),
    };
    const address = new URL(`${url.replace(/\/$/, '')}/hub/v1/${path}`);
    const { status, retryAfter, content } = await send(address, { agent, headers, signal, body });
    if (status === 429 || status >= 500) throw new NotNow(`HTTP ${status} ${content.slice(0, 200)}`, retryAfter);
    return { status, answer: parse(content) };
  };
  const unexpected = (status: number, answer: Record<string, unknown>): NotNow =>
    new NotNow(`HTTP ${status} ${JSON.stringify(answer).slice(0, 200)}`);
  return {
    head: async (signal) => {
      const { status, answer } = await ask('ledger', signal);
      if (status !== 200) throw unexpected(status, answer);
      return answer as unknown as HubHead;
    },
    hashOf: async (commit, signal) => {
      const { status, answer } = await ask(`ledger/commits/${commit}`, signal);
      if (status === 404) return null;
      if (status !== 200) throw unexpected(status, answer);
      return String(answer.hash);
    },
    push: async (origin, after, lines, signal) => {
      const id = origin.slice(origin.lastIndexOf('/') + 1);
      const { status, answer } = await ask(
        `ledgers/${id}/commits?after=${after}`,
        signal,
        await gzipped(lines.join('')),
      );
      if (status === 200) return { is: 'taken', commit: Number(answer.commit), hash: String(answer.hash) };
      const { kind, message } = (answer.error ?? {}) as { kind?: unknown; message?: unknown };
      const reason = typeof message === 'string' ? message : `HTTP ${status}`;
      if (status === 409) return { is: kind === 'forked' ? 'forked' : 'conflict', reason };
      if (status === 422 || status === 413) return { is: 'refused', reason };
      throw unexpected(status, answer);
    },
    close: () => agent.destroy(),
  };
}

function parse(content: string): Record<string, unknown> {
  try {
    return JSON.parse(content) as Record<string, unknown>;
  } catch {
    throw new NotNow(`something else than a hub answers: ${content.slice(0, 100)}`);
  }
}

async function send(
  address: URL,
  {
    agent,
    headers,
    signal,
    body,
  }: { agent: Agent; headers: Record<string, string>; signal: AbortSignal; body: Buffer | undefined },
): Promise<{ status: number; retryAfter: number | null; content: string }> {
  try {
    return await new Promise((resolve, reject) => {
      const method = body === undefined ? 'GET' : 'POST';
      const sent = request(address, { agent, headers, method, timeout: TIMEOUT_MS, signal }, (response) => {
        const seconds = Number(response.headers['retry-after'] ?? '');
        text(response).then(
          (content) =>
            resolve({ status: response.statusCode ?? 0, retryAfter: seconds > 0 ? seconds * 1000 : null, content }),
          reject,
        );
      });
      sent.on('timeout', () => sent.destroy(new Error(`no answer for ${TIMEOUT_MS / 1000} s`)));
      sent.on('error', reject);
      sent.end(body);
    });
  } catch (error) {
    throw new NotNow(messageOf(error));
  }
}

function read(file: string, option: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new KubeblameError('config-invalid', `${option}: ${file} cannot be read: ${messageOf(error)}`);
  }
}
