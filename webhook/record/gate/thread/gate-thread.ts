import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerOptions } from 'node:https';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import type { KubeblameError } from '../../../../shared/errors.ts';
import { Redactor } from '../../../../shared/redact.ts';
import { Predicates } from '../../rules/predicates.ts';
import { Clock } from '../../../platform/clock/clock.ts';
import type { Handler } from '../../../platform/http/http.ts';
import { drain, listen, listener, sendAway } from '../../../platform/http/listener.ts';
import { Progress } from '../../spool/progress.ts';
import { Spool } from '../../spool/spool.ts';
import { failureOf } from '../../../platform/threads/threads.ts';
import { Callers, pathOf } from '../endpoint/callers.ts';
import type { GateData, GateReport, GateRequest, Page, Credentials } from './gate-messages.ts';
import { Heartbeat } from './heartbeat.ts';
import { admissionHandler, type AdmissionObserver } from '../endpoint/handler.ts';
import { Origins } from '../endpoint/origins.ts';
import { Receiver, type Reception } from '../endpoint/reception.ts';

/*
 * The thread that has the admission endpoint. It answers reviews when they are in the spool, whatever the rest of the server
 * does meanwhile: docs/decisions/0028.
 */
async function serve(port: MessagePort, data: GateData): Promise<void> {
  const report = (message: GateReport): void => port.postMessage(message);
  const progress = new Progress(data.progress);
  const clock = new Clock(data.clock);
  const durable = (through: number): void => {
    if (progress.advance(through)) report({ is: 'spooled' });
  };
  const spool = new Spool({ ...data.spool, durable });
  const callers = new Callers(data.by);
  callers.accept(data.proof.pathSecrets);
  const origins = new Origins();
  origins.accept(data.trust);
  const redactor = new Redactor(data.redaction.key, data.redaction.rules, data.redaction.patterns);
  const receiver = new Receiver(new Predicates(data.rules, []), redactor, spool);
  const reports = new Reports(report, () => redactor.takeCounts());
  const handle = admissionHandler({ callers, origins }, receiver, reports, () => clock.now());
  // It answers every failure itself.
  const untraced: Handler = (request, response) => void handle(request, response);
  const tracing = data.collector === null ? null : await openTracing(data.collector);
  const admit = tracing?.traced('POST /admit', untraced) ?? untraced;
  const heartbeat = new Heartbeat(data.patienceMs, (ms) => report({ is: 'stalled', ms, to: clock.now() }));
  const asking = new Asking((id, method, path) => {
    reports.flush();
    report({ is: 'asked', id, method, path });
  });
  const server = listener(tlsOf(data.proof), (request, response) => {
    if (callers.covers(pathOf(request))) admit(request, response);
    else asking.ask(request, response);
  });
  port.on('message', (message: GateRequest) => {
    switch (message.do) {
      case 'set credentials':
        callers.accept(message.proof.pathSecrets);
        server.setSecureContext(tlsOf(message.proof));
        report({ is: 'credentials set' });
        return;
      case 'trust':
        origins.accept(message.trust);
        return;
      case 'taken':
        spool.taken(message.through);
        return;
      case 'answer':
        asking.answer(message.id, message.page);
        return;
      case 'send away':
        sendAway(server);
        return;
      case 'drain':
        heartbeat.stop();
        void drain(server)
          .then(() => spool.close())
          .then(() => tracing?.close())
          .then(() => {
            reports.flush();
            port.close();
          });
    }
  });
  try {
    report({ is: 'listening', address: await listen(server, data.address, '--listen') });
  } catch (error) {
    report({ is: 'not listening', failure: failureOf(error) });
    port.close();
  }
}

function tlsOf({ tls }: Credentials): ServerOptions {
  // Buffers come out of a message as plain bytes.
  const bytes = (value: string | Uint8Array): string | Buffer =>
    typeof value === 'string' ? value : Buffer.from(value);
  const { cert, key, ca, ...rest } = tls;
  return { ...rest, cert: bytes(cert), key: bytes(key), ...(ca === undefined ? {} : { ca: bytes(ca) }) };
}

async function openTracing(collector: NonNullable<GateData['collector']>) {
  // Loaded only here: most servers have no collector.
  const { Tracing } = await import('../../../platform/telemetry/tracing.ts');
  return new Tracing(collector);
}

/** How long what was answered may be unknown to the metrics, unless they are asked for. */
const FLUSH_MS = 250;

/** Tells the rest of the server what became of requests: of those that were answered, now and then. */
class Reports implements AdmissionObserver {
  private seconds: number[] = [];
  private counts = { 'dry-run': 0, excluded: 0 };
  private readonly elsewhere = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly report: (message: GateReport) => void,
    private readonly redacted: () => number[],
  ) {}

  answered(reception: Reception, seconds: number, elsewhere: string): void {
    if (elsewhere !== '') this.elsewhere.set(elsewhere, (this.elsewhere.get(elsewhere) ?? 0) + 1);
    if (reception !== 'spooled') this.counts[reception]++;
    this.seconds.push(seconds);
    this.timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  lost(error: unknown, uid: string): void {
    this.report({ is: 'lost', failure: failureOf(error), uid });
  }

  refused(error: KubeblameError): void {
    this.report({ is: 'refused', failure: failureOf(error) });
  }

  turnedAway(error: KubeblameError, from: string, review: boolean): void {
    this.report({ is: 'turned away', failure: failureOf(error), from, review });
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.seconds.length === 0) return;
    this.report({
      is: 'answered',
      seconds: this.seconds,
      ...this.counts,
      redacted: this.redacted(),
      elsewhere: [...this.elsewhere],
    });
    this.elsewhere.clear();
    this.seconds = [];
    this.counts = { 'dry-run': 0, excluded: 0 };
  }
}

/** Requests that the rest of the server answers. */
class Asking {
  private readonly waiting = new Map<number, ServerResponse>();
  private last = 0;

  constructor(private readonly pass: (id: number, method: string, path: string) => void) {}

  ask(request: IncomingMessage, response: ServerResponse): void {
    const id = ++this.last;
    this.waiting.set(id, response);
    response.once('close', () => this.waiting.delete(id));
    this.pass(id, request.method ?? '', pathOf(request));
  }

  answer(id: number, { status, type, text }: Page): void {
    const response = this.waiting.get(id);
    if (response === undefined) return;
    const closes: Record<string, string> = response.req.complete ? {} : { Connection: 'close' };
    response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text), ...closes });
    response.end(text);
  }
}

if (parentPort === null) throw new Error('this is the program of a thread');
await serve(parentPort, workerData as GateData);
