import type { IncomingMessage, ServerResponse } from 'node:http';
import { KubeblameError, messageOf } from '../../../../shared/errors.ts';
import { sendFailure } from '../../../platform/http/http.ts';
import { BodyBudget, BodyNotKept, readBody, type BodyShare } from '../../review/body.ts';
import type { Callers } from './callers.ts';
import { beginsByPerson, envelopeOf, type Envelope } from './envelope.ts';
import type { Origins } from './origins.ts';
import { isPerson, type Received, type Receiver, type Reception } from './reception.ts';
import { readHead } from '../../review/review-head.ts';

const V1 = 'admission.k8s.io/v1';

/** Told what became of every request, for the log and the metrics. */
export interface AdmissionObserver {
  /** `elsewhere`: the address that it came from, where that is no API server's. */
  answered(reception: Reception, seconds: number, elsewhere: string): void;
  /** A request that was allowed and could not be recorded: the cluster goes on, and an operator must see it. */
  lost(error: unknown, uid: string): void;
  /** A request that was no review of an API server. */
  refused(error: KubeblameError): void;
  /** A request from somebody who is not the API server. `review`: it knew the proof, and came from elsewhere. */
  turnedAway(error: KubeblameError, from: string, review: boolean): void;
}

/**
 * Handles `POST /admit`, from the API server alone: one AdmissionReview in, one out, always allowed. It does not go through
 * Express, which costs half of the throughput (docs/decisions/0003). What cannot be recorded is allowed too, and told as lost: a
 * failure inside, and a review that cannot be read. Only what no API server sends gets a 4xx: no review, or one without a uid.
 */
export function admissionHandler(
  { callers, origins }: { callers: Pick<Callers, 'knows'>; origins: Pick<Origins, 'elsewhere' | 'enforced'> },
  receiver: Pick<Receiver, 'receive'>,
  observer: AdmissionObserver,
  now: () => number,
  budget = new BodyBudget(),
) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // Before a byte of its body is read.
    if (!callers.knows(request)) {
      const failure = new KubeblameError('caller-unknown', 'only the API server may send reviews');
      observer.turnedAway(failure, request.socket.remoteAddress ?? '', false);
      sendFailure(response, failure);
      return;
    }
    const started = performance.now();
    const at = now();
    const elsewhere = origins.elsewhere(request);
    const share = budget.share();
    let received: Received;
    let body: Buffer | null = null;
    try {
      body = await readRequest(request, share);
      const stranger = elsewhere !== '' && origins.enforced ? envelopeOf(body) : null;
      if (stranger !== null) {
        share.giveBack();
        observer.turnedAway(FROM_ELSEWHERE, elsewhere, true);
        // It may be the API server, by a way that the operator did not think of: nobody waits, and whoever types is told.
        const review = readHead(body);
        const warning = `kubeblame did not record this request: it came from ${elsewhere}, which is no API server's address`;
        sendAllowed(response, stranger, review !== null && isPerson(review) ? warning : undefined);
        return;
      }
      received = receiver.receive(body, at);
    } catch (error) {
      share.giveBack();
      const start = error instanceof BodyNotKept ? error.start : body;
      const envelope = start === null ? null : envelopeOf(start);
      if (envelope !== null && start !== null) {
        observer.lost(error, envelope.uid);
        sendAllowed(response, envelope, beginsByPerson(start) ? lossWarning(error) : undefined);
        return;
      }
      const failure =
        error instanceof KubeblameError
          ? error
          : new KubeblameError('review-invalid', messageOf(error), undefined, { cause: error });
      observer.refused(failure);
      sendFailure(response, failure);
      return;
    }
    const { uid, settled } = received;
    try {
      const reception = await settled;
      sendAllowed(response, { apiVersion: V1, uid });
      observer.answered(reception, (performance.now() - started) / 1000, elsewhere);
    } catch (error) {
      observer.lost(error, uid);
      sendAllowed(response, { apiVersion: V1, uid }, received.isPerson ? lossWarning(error) : undefined);
    } finally {
      share.giveBack();
    }
  };
}

const FROM_ELSEWHERE = new KubeblameError(
  'caller-unknown',
  'the review did not come from an address of --api-server-cidrs',
  'add the network to it, if it is that of an API server',
);

async function readRequest(request: IncomingMessage, share: BodyShare): Promise<Buffer> {
  if (request.method !== 'POST') {
    throw new KubeblameError(
      'method-not-allowed',
      `${request.method ?? ''} is not allowed here: POST an AdmissionReview`,
    );
  }
  const contentType = request.headers['content-type'] ?? '';
  if (contentType.split(';')[0]?.trim().toLowerCase() !== 'application/json') {
    throw new KubeblameError('content-type-unsupported', `Content-Type is "${contentType}", expected application/json`);
  }
  const body = await readBody(request, share);
  if (body.length === 0) throw new KubeblameError('json-invalid', 'the body is empty, expected an AdmissionReview');
  return body;
}

/** It is printed by kubectl: it helps whoever types, and only fills the logs of a controller. */
function lossWarning(error: unknown): string {
  return `kubeblame did not record this request: ${reasonOf(error)}`;
}

/** Why, in words that tell a stranger nothing about the machine. */
function reasonOf(error: unknown): string {
  if (!(error instanceof KubeblameError)) return 'internal error';
  if (error.code === 'ledger-full') return 'its disk is full';
  return error.code === 'ledger-unwritable' ? 'its ledger cannot be written' : error.code;
}

function sendAllowed(response: ServerResponse, { apiVersion, uid }: Envelope, warning?: string): void {
  const body = JSON.stringify({
    apiVersion,
    kind: 'AdmissionReview',
    response: { uid, allowed: true, ...(warning === undefined ? {} : { warnings: [warning] }) },
  });
  response.writeHead(200, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    // A body that was not read to its end.
    ...(response.req.complete ? {} : { Connection: 'close' }),
  });
  response.end(body);
}
