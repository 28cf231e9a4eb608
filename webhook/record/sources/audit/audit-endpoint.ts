import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import { KubeblameError, messageOf } from '../../../../shared/errors.ts';
import { parseJson } from '../../../../shared/json.ts';
import { sendFailure, type Handler } from '../../../platform/http/http.ts';
import type { AuditIntake } from './audit-intake.ts';

export const AUDIT_PATH = '/audit';

/**
 * The largest body that is read: the API server cuts its batches at 10 MiB (--audit-webhook-truncate-max-batch-size) where it truncates at all,
 * and one event holds two objects at most.
 */
export const MAX_BATCH_BYTES = 16 * 1024 * 1024;
/** What all that are read at once may take: of more the API server hears that it is to try again. */
const MAX_BATCHES_BYTES = 2 * MAX_BATCH_BYTES;

/** How the API server proves itself: a path that ends in this secret, or a client certificate, which TLS has verified. */
export type AuditProof = { by: 'path'; secret: string } | { by: 'certificate' };

/**
 * What the API server's audit webhook posts (--audit-webhook-config-file): EventLists. Answered once they are in the ledger, so that it
 * sends again what is not.
 */
export function auditEndpoint(intake: AuditIntake, proof: AuditProof): Handler {
  let used = 0;
  const answer = async (request: IncomingMessage): Promise<void> => {
    if (!isKnown(request, proof))
      throw new KubeblameError('caller-unknown', 'the caller does not prove to be the API server');
    if (request.method !== 'POST')
      throw new KubeblameError('method-not-allowed', `${request.method ?? ''} is not allowed here: POST`);
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        used += chunk.length;
        if (bytes > MAX_BATCH_BYTES) throw new KubeblameError('body-too-large', `a batch is larger than ${MAX_BATCH_BYTES} bytes`, 'lower --audit-webhook-batch-max-size'); // prettier-ignore
        if (used > MAX_BATCHES_BYTES) throw new KubeblameError('overloaded', 'too many batches at once');
        chunks.push(chunk);
      }
      const text = Buffer.concat(chunks).toString();
      await intake.document(parseJson(text), { file: 'audit webhook', number: 1 }, bytes);
    } catch (error) {
      // It will not be sent again, or come again as it is.
      const code = error instanceof KubeblameError ? error.code : '';
      if (error instanceof KubeblameError && (code === 'body-too-large' || code.startsWith('json-')))
        await intake.unusable(error);
      throw error;
    } finally {
      used -= bytes;
    }
  };
  return (request, response) => {
    answer(request).then(
      () => end(response),
      (error: unknown) => {
        sendFailure(
          response,
          error instanceof KubeblameError ? error : new KubeblameError('server-error', messageOf(error)),
        );
      },
    );
  };
}

function end(response: ServerResponse): void {
  if (!response.destroyed) response.writeHead(200, { 'Content-Length': 0 }).end();
}

function isKnown(request: IncomingMessage, proof: AuditProof): boolean {
  const path = request.url?.split('?')[0] ?? '';
  if (proof.by === 'certificate')
    return path === AUDIT_PATH && request.socket instanceof TLSSocket && request.socket.authorized;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(path), digest(`${AUDIT_PATH}/${proof.secret}`));
}
