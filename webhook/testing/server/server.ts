import { KNOWN_PATTERNS } from '../../../shared/redact-patterns.ts';
import { chmodSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import pino from 'pino';
import { createAuthority, issueServingCertificate, type KeyPair } from '../../../certs/certificates.ts';
import { parseJson, stringifyJson } from '../../../shared/json.ts';
import type { Json, JsonObject } from '../../../shared/types.ts';
import { Predicates } from '../../record/rules/predicates.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { ServerConfig } from '../../programs/config/config.ts';
import type { Address } from '../../platform/http/listener.ts';
import { OBSERVER_TIMING, type ObserverTiming } from '../../record/sources/watch/observer.ts';
import { startServer, type RunningServer } from '../../programs/recorder/server.ts';
import { SPOOL_BYTES } from '../../record/spool/spool.ts';

/** A CA, and certificate files of it for 127.0.0.1 in a test's folder: ca.crt, tls.crt, tls.key. */
export class TestCertificates {
  private constructor(
    private readonly authority: KeyPair,
    readonly cert: string,
    readonly key: string,
  ) {}

  static async make(file: (name: string) => string): Promise<TestCertificates> {
    // The real clock: OpenSSL checks validity against it.
    const authority = await createAuthority({ now: new Date(), validDays: 1 });
    const certificates = new TestCertificates(authority, file('tls.crt'), file('tls.key'));
    writeFileSync(file('ca.crt'), authority.certificate);
    await certificates.renew();
    return certificates;
  }

  /** PEM that a client trusts. */
  get ca(): string {
    return this.authority.certificate;
  }

  /** Overwrites both files with a new pair of the same CA. */
  async renew(): Promise<void> {
    const pair = await issueServingCertificate(this.authority, {
      now: new Date(),
      validDays: 1,
      dnsNames: ['localhost'],
      ipAddresses: ['127.0.0.1'],
    });
    writeFileSync(this.key, pair.privateKey);
    chmodSync(this.key, 0o600);
    writeFileSync(this.cert, pair.certificate);
  }
}

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The body, numbers and keys exact. */
  json(): JsonObject;
}

export interface ClientOptions {
  /** Of one client at once; 1 by default, so that requests go one after another on one connection. */
  connections?: number;
  headers?: Record<string, string>;
  /** A client certificate and its key, PEM. */
  pair?: { certificate: string; privateKey: string };
  /** Where it comes from, where that is another address of this machine. */
  localAddress?: string;
  /** What the server's certificate must name, where that is not the address. */
  servername?: string;
}

/** Talks to a test's server. Connections are kept: close it. */
export class HttpsClient {
  readonly agent: Agent;

  constructor(
    readonly address: Address,
    ca: string,
    readonly options: ClientOptions = {},
  ) {
    const { connections = 1, localAddress } = options;
    const from = localAddress === undefined ? {} : { localAddress };
    this.agent = new Agent({ keepAlive: true, maxSockets: connections, ca, ...from, ...clientPair(options) });
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Reply> {
    return this.send('GET', path, headers, []);
  }

  /** Posts a review, or any text, as the API server does. */
  admit(body: Json, headers: Record<string, string> = {}): Promise<Reply> {
    const bytes = Buffer.from(typeof body === 'string' ? body : stringifyJson(body));
    const length = { 'Content-Type': 'application/json', 'Content-Length': String(bytes.length) };
    return this.send('POST', '/admit', { ...length, ...headers }, [bytes]);
  }

  /** Without a Content-Length in `headers` the chunks go out as such. */
  send(method: string, path: string, headers: Record<string, string>, chunks: readonly Buffer[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const { host, port } = this.address;
      const all = { ...this.options.headers, ...headers };
      const sent = request({ host, port, method, path, agent: this.agent, headers: all }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(parts).toString();
          const { statusCode: status = 0, headers: received } = response;
          resolve({ status, headers: received, text, json: () => parseJson(text) as JsonObject });
        });
      });
      sent.on('error', reject);
      for (const chunk of chunks) sent.write(chunk);
      sent.end();
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

/** What tls.connect() and agents call a client's certificate and key. */
export function clientPair({ pair, servername }: ClientOptions): { cert?: string; key?: string; servername?: string } {
  return {
    ...(pair === undefined ? {} : { cert: pair.certificate, key: pair.privateKey }),
    ...(servername === undefined ? {} : { servername }),
  };
}

/** Of a server under test: many are started. */
const TEST_RESERVE_BYTES = 64 * 1024;

/** A line of the server's log. */
export type LogLine = Record<string, unknown> & { msg: string };

export interface TestServerOptions extends Partial<ServerConfig> {
  /** The present; the real one by default. */
  clock?: Clock;
  /** Of the observer, where it differs from what is usual. */
  timing?: Partial<ObserverTiming>;
  /** How much the spool may hold, where that differs. */
  spoolBytes?: number;
  /** Those of another server; otherwise new ones are made. */
  certificates?: TestCertificates;
  /** Ends a server that stands by. */
  signal?: AbortSignal;
}

/** The configuration of a server on ports of 127.0.0.1 that are free, with its files in a test's folder. */
export function testConfig(
  file: (name: string) => string,
  { cert, key }: Pick<TestCertificates, 'cert' | 'key'>,
  overrides: Partial<ServerConfig> = {},
): ServerConfig {
  return {
    db: file('ledger.db'),
    keyFile: file('ledger.db.key'),
    cluster: 'test',
    predicates: new Predicates([]),
    redact: [],
    patterns: KNOWN_PATTERNS,
    listen: { host: '127.0.0.1', port: 0 },
    tls: { cert, key },
    callers: { by: 'nothing' },
    apiServers: null,
    registration: null,
    readListen: { host: '127.0.0.1', port: 0 },
    readToken: null,
    accessCluster: null,
    gatewayUser: null,
    kubeconfig: null,
    webhookConfiguration: 'kubeblame',
    otlpEndpoint: null,
    stream: null,
    otlpLogs: false,
    signingKeyFile: file('ledger.db.signing-key'),
    checkpointEveryMs: 60_000,
    checkpointConfigMap: null,
    retention: { ageMs: null, bytes: null, securityMs: null },
    events: { ageMs: 30 * 24 * 3_600_000, bytes: 2 ** 28 },
    audit: { logs: [], webhook: null },
    election: null,
    logLevel: 'info',
    ...overrides,
  };
}

/** A whole server in this process, on ports of 127.0.0.1 that were free, with its files in a test's folder. */
export class TestServer {
  readonly admission: HttpsClient;
  readonly read: HttpsClient;

  private constructor(
    readonly running: RunningServer,
    readonly config: ServerConfig,
    readonly certificates: TestCertificates,
    readonly log: readonly LogLine[],
  ) {
    this.admission = new HttpsClient(running.admission, certificates.ca);
    this.read = new HttpsClient(running.read, certificates.ca);
  }

  static async start(file: (name: string) => string, options: TestServerOptions = {}): Promise<TestServer> {
    const { clock = new Clock(), timing = {}, spoolBytes = SPOOL_BYTES, certificates: given, ...rest } = options;
    const { signal, ...overrides } = rest;
    const certificates = given ?? (await TestCertificates.make(file));
    const config = testConfig(file, certificates, overrides);
    const lines: LogLine[] = [];
    const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) });
    const observing = { ...OBSERVER_TIMING, ...timing };
    const sizes = { spool: spoolBytes, reserve: TEST_RESERVE_BYTES };
    const running = await startServer(config, log, clock, observing, sizes, signal);
    return new TestServer(running, config, certificates, lines);
  }

  /** Resolves when all that was answered is in the ledger. */
  settled(): Promise<void> {
    return this.running.caughtUp();
  }

  async stop(): Promise<void> {
    this.admission.close();
    this.read.close();
    await this.running.stop();
  }
}

/** Resolves when `done` holds, which is asked every 10 ms; rejects with `what` where it never does. */
export async function until(what: string, done: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await done())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
