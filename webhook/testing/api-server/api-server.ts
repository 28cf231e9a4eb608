import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { parseJson } from '../../../shared/json.ts';
import { metadataOf, metadataText } from '../../../shared/normalise.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { answerObject, isObjectVerb } from './api-objects.ts';
import { FakeReviews } from './fake-reviews.ts';
import { Faults, understand, type Fault, type SeenRequest } from './requests.ts';
import { send, sendStatus } from './responses.ts';
import { discover, keyOf, typeName, type ServedType } from './served-types.ts';
import { TestCertificates } from '../server/server.ts';
import { Watches } from './watches.ts';

const TOKEN = 'a-token-of-the-test';

/**
 * A small API server, over real HTTPS: discovery, paged lists and watches of what a test puts into it, with the faults
 * that real ones have; single objects can be read and written (api-objects.ts), tokens and rights asked for
 * (fake-reviews.ts). It accepts whoever holds the token of its kubeconfig.
 */
export class FakeApiServer {
  /** What it makes of objects that are written by a request, as mutating admission does. */
  amend = (object: JsonObject): JsonObject => object;
  /** So many writes are done, and their answers lost. */
  loseAnswers = 0;
  /** Whom it takes the holder of its kubeconfig's token for. */
  readonly caller = 'system:serviceaccount:kubeblame:kubeblame';
  /** Who tokens belong to, and who may what. */
  readonly reviews = new FakeReviews();
  /** False: whoever asks for a review is refused. */
  reviewing = true;
  /** Connections so far. */
  handshakes = 0;
  /** All requests so far, oldest first. */
  readonly requests: SeenRequest[] = [];
  private readonly types = new Map<string, ServedType>();
  private readonly objects = new Map<string, Map<string, JsonObject>>();
  private readonly watches = new Watches();
  private readonly snapshots = new Map<string, { items: JsonObject[]; version: number }>();
  private readonly emptyGroups = new Map<string, string>();
  private readonly faults = new Faults();
  private version = 0;
  private port = 0;

  private constructor(
    private server: Server,
    private readonly pair: { cert: Buffer; key: Buffer },
    /** A kubeconfig file with its address, CA and token. */
    readonly kubeconfig: string,
  ) {}

  /** Starts on a free port of 127.0.0.1, with its files in a test's folder. */
  static async start(file: (name: string) => string, types: readonly ServedType[] = []): Promise<FakeApiServer> {
    const certificates = await TestCertificates.make((name) => file(`api-server-${name}`));
    const pair = { cert: readFileSync(certificates.cert), key: readFileSync(certificates.key) };
    const fake = new FakeApiServer(createServer(), pair, file('api-server.kubeconfig'));
    for (const type of types) fake.serve(type);
    await fake.listen();
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'fake',
          cluster: {
            server: `https://127.0.0.1:${fake.port}`,
            'certificate-authority-data': Buffer.from(certificates.ca).toString('base64'),
          },
        },
      ],
      users: [{ name: 'kubeblame', user: { token: TOKEN } }],
      contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'kubeblame' } }],
      'current-context': 'fake',
    };
    // JSON is YAML.
    writeFileSync(fake.kubeconfig, JSON.stringify(kubeconfig));
    return fake;
  }

  // Contents

  /** Offers a resource from now on. */
  serve(type: ServedType): void {
    this.types.set(typeName(type), type);
  }

  /** Offers it no longer, as when a definition is removed: its watches end, its objects are gone without an event. */
  withdraw(name: string): void {
    this.types.delete(name);
    this.objects.delete(name);
    this.watches.end(name);
  }

  /** A group that discovery names, whose own document is answered with 503: an aggregated API that is down. */
  serveBrokenGroup(group: string, version: string): void {
    this.emptyGroups.set(group, version);
  }

  /** An object as it is now. */
  find(of: string, namespace: string, name: string): JsonObject | undefined {
    return this.objects.get(of)?.get(`${namespace}/${name}`);
  }

  /** Creates or replaces an object. A resourceVersion that it has is kept; otherwise it gets the next one. */
  put(type: ServedType, object: JsonObject): JsonObject {
    const of = typeName(type);
    const known = this.objects.get(of) ?? new Map<string, JsonObject>();
    this.objects.set(of, known);
    const version = this.nextVersion(object);
    const stored = {
      apiVersion: type.group === '' ? type.version : `${type.group}/${type.version}`,
      kind: type.kind,
      ...object,
      metadata: { ...metadataOf(object), resourceVersion: String(version) },
    };
    const key = keyOf(stored);
    const before = known.get(key);
    known.set(key, stored);
    this.watches.tell({ type: before === undefined ? 'ADDED' : 'MODIFIED', of, version, object: stored });
    return stored;
  }

  /** Deletes an object. `last` is what the event shows, where that is known. */
  remove(type: ServedType, namespace: string, name: string, last?: JsonObject): void {
    const of = typeName(type);
    const known = this.objects.get(of)?.get(`${namespace}/${name}`);
    const object = last ?? known;
    if (object === undefined) return;
    this.objects.get(of)?.delete(`${namespace}/${name}`);
    const version = this.nextVersion(last ?? {});
    this.watches.tell({
      type: 'DELETED',
      of,
      version,
      object: { ...object, metadata: { ...metadataOf(object), resourceVersion: String(version) } },
    });
  }

  /** The version of the last change, as lists show it. */
  get resourceVersion(): string {
    return String(this.version);
  }

  /** Goes on to a later version, as by changes of resources that nobody looks at. */
  advance(by: number): void {
    this.version += by;
  }

  // Faults

  /** What matches fails, so many times; returns what ends it. */
  fail(matches: (request: SeenRequest) => boolean, fault: Fault, times = Infinity): () => void {
    return this.faults.add(matches, fault, times);
  }

  /** Forgets what happened so far: who resumes from before is answered 410, as a status or as an event of the watch. */
  compact(expiry: 'status' | 'event'): void {
    this.watches.compact(this.version, expiry);
  }

  /** Tells all open watches that they have fallen too far behind. They stay open: whoever reads must end them. */
  expireWatches(): void {
    this.watches.expire();
  }

  /** Tells all open watches the version that they have reached. */
  bookmark(): void {
    this.watches.bookmark(this.types, this.version);
  }

  /** Cuts the connections of all open watches. */
  resetWatches(): void {
    this.watches.reset();
  }

  /** Open watches of a type show nothing any more, and do not end. */
  stallWatches(of: string): void {
    this.watches.stall(of);
  }

  openWatches(of?: string): number {
    return this.watches.count(of);
  }

  connections(): Promise<number> {
    return new Promise((resolve, reject) =>
      this.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
    );
  }

  seen(verb: SeenRequest['verb'], type?: string): SeenRequest[] {
    return this.requests.filter((request) => request.verb === verb && (type === undefined || request.type === type));
  }

  /** Cuts everything off, and is not there any more. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  /** Comes back at the same address with the same contents. */
  async restart(): Promise<void> {
    this.server = createServer();
    await this.listen();
  }

  private listen(): Promise<void> {
    this.server.setSecureContext(this.pair);
    this.server.on('request', (request: IncomingMessage, response: ServerResponse) => this.answer(request, response));
    this.server.on('secureConnection', () => this.handshakes++);
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.port, '127.0.0.1', () => {
        this.port = (this.server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  // Requests

  private answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return sendStatus(response, 401, 'Unauthorized');
    const url = new URL(request.url ?? '', 'https://localhost');
    const [type, seen] = understand(this.types, url, request.method ?? '');
    this.requests.push(seen);
    if (seen.path.endsWith('/selfsubjectreviews')) {
      return send(response, { kind: 'SelfSubjectReview', status: { userInfo: { username: this.caller } } }, 201);
    }
    if (/\/(?:token|subjectaccess)reviews$/.test(seen.path)) {
      void this.review(request, response);
      return;
    }
    if (this.faults.strike(seen, request, response)) return;
    if (seen.verb === 'discovery') return discover([...this.types.values()], this.emptyGroups, seen.path, response);
    if (type === undefined) return sendStatus(response, 404, 'the server could not find the requested resource');
    if (isObjectVerb(seen.verb)) void answerObject(this, type, seen.verb, request, response);
    else if (seen.verb === 'list') this.list(type, seen, response);
    else this.watches.open(type, seen.query, response);
  }

  private async review(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const part of request as AsyncIterable<Buffer>) text += part.toString();
    const answer = this.reviewing ? this.reviews.answer(parseJson(text)) : null;
    if (answer === null) sendStatus(response, 403, 'reviews are not allowed in this test');
    else send(response, answer, 201);
  }

  private list(type: ServedType, { path, query }: SeenRequest, response: ServerResponse): void {
    const [id = '', from = '0'] = (query.get('continue') ?? '').split(':');
    const namespace = /\/namespaces\/([^/]+)\//.exec(path)?.[1];
    const name = query.get('fieldSelector')?.replace('metadata.name=', '');
    const all = [...(this.objects.get(typeName(type))?.values() ?? [])].filter(
      (item) =>
        (namespace === undefined || metadataText(item, 'namespace') === namespace) &&
        (name === undefined || metadataText(item, 'name') === name),
    );
    const current = { items: all, version: this.version };
    const snapshot = id === '' ? current : this.snapshots.get(id);
    if (snapshot === undefined) return sendStatus(response, 410, 'the provided continue parameter is too old');
    const start = Number(from);
    const end = start + Number(query.get('limit') ?? snapshot.items.length);
    let next = '';
    if (end < snapshot.items.length) {
      const token = id === '' ? String(this.snapshots.size + 1) : id;
      this.snapshots.set(token, snapshot);
      next = `${token}:${end}`;
    }
    const items = snapshot.items.slice(start, end).map(({ apiVersion: _, kind: __, ...item }) => item);
    send(response, {
      kind: `${type.kind}List`,
      apiVersion: type.group === '' ? type.version : `${type.group}/${type.version}`,
      metadata: { resourceVersion: String(snapshot.version), ...(next === '' ? {} : { continue: next }) },
      items,
    });
  }

  private nextVersion(object: JsonObject): number {
    const given = Number(metadataText(object, 'resourceVersion') || this.version + 1);
    this.version = Math.max(this.version, given);
    return given;
  }
}
