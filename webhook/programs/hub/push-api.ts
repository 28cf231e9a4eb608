import { createInterface } from 'node:readline';
import { pipeline, Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Router, type Request, type Response } from 'express';
import { KubeblameError } from '../../../shared/errors.ts';
import { bearerToken } from '../../ask/access/identity/caller.ts';
import type { Pool } from '../../ledger/postgres/database/pool.ts';
import { ledgerOfToken, type EnrolledLedger } from '../../ledger/postgres/ledgers.ts';
import { Refusal } from '../../ledger/postgres/take-in/refusal.ts';
import { hashOf, headAt, takeIn } from '../../ledger/postgres/take-in/take-in.ts';

/** Of one push, as it comes and unpacked: 2,000 changes, or one commit with bodies of 7 MiB. */
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_UNPACKED_BYTES = 512 * 1024 * 1024;
/** Pushes that one replica takes in side by side; the next is asked to come again. */
export const PUSHES_AT_ONCE = 4;

export interface PushApi {
  pool: Pool;
  /** ms */
  now: () => number;
  /** Told of each push: what it was answered, and how many bytes came. */
  pushed: (cluster: string, answer: 'taken' | 'overloaded' | Refusal['kind'], bytes: number) => void;
  atOnce?: number;
}

/** The routes by which clusters push their ledgers. A token is for one ledger. */
export function pushApi({ pool, now, pushed, atOnce = PUSHES_AT_ONCE }: PushApi): Router {
  const router = Router();
  const running = new Set<number>();
  const ledgerOf = async (request: Request): Promise<EnrolledLedger> => {
    const token = bearerToken(request);
    const ledger = token === null ? null : await ledgerOfToken(pool, token);
    if (ledger === null)
      throw new KubeblameError('unauthorized', 'no ledger is enrolled with this token', 'kubeblame-hub enrol');
    return ledger;
  };
  router.get('/hub/v1/ledger', async (request, response) => {
    const { ledger } = await ledgerOf(request);
    response.json(await headAt(pool, ledger));
  });
  router.get('/hub/v1/ledger/commits/:commit', async (request, response) => {
    const { ledger } = await ledgerOf(request);
    const hash = await hashOf(pool, ledger, numberIn(request.params.commit, 'the commit'));
    if (hash === null) throw new KubeblameError('not-found', `there is no commit ${request.params.commit}`);
    response.json({ hash });
  });
  router.post('/hub/v1/ledgers/:id/commits', async (request, response) => {
    const { ledger, origin, cluster } = await ledgerOf(request);
    const { id } = request.params;
    if (!origin.endsWith(`/${id}`))
      throw new KubeblameError('forbidden', `this token is for ${origin}, not for ledger ${id}`);
    const after = numberIn(typeof request.query.after === 'string' ? request.query.after : '', 'after');
    if (running.size >= atOnce || running.has(ledger)) {
      pushed(cluster, 'overloaded', 0);
      response
        .status(429)
        .set('Retry-After', '1')
        .json({ error: { kind: 'overloaded', message: 'other pushes are being taken in' } });
      return;
    }
    running.add(ledger);
    const size = { bytes: 0 };
    try {
      const head = await takeIn(pool, ledger, after, linesOf(request, size), now());
      pushed(cluster, 'taken', size.bytes);
      response.json(head);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      pushed(cluster, error.kind, size.bytes);
      refuse(response, error);
    } finally {
      running.delete(ledger);
    }
  });
  return router;
}

function refuse(response: Response, { kind, message, head }: Refusal): void {
  response.status(kind === 'unproven' ? 422 : 409).json({ error: { kind, message }, head });
}

function numberIn(text: string, what: string): number {
  if (/^(0|[1-9]\d{0,14})$/.test(text)) return Number(text);
  throw new KubeblameError('query-invalid', `${what}: ${JSON.stringify(text)} is not the number of a commit`);
}

/** The lines of a body. Rejects with body-too-large, body-incomplete; and with a Refusal where it is no gzip. */
async function* linesOf(request: Request, size: { bytes: number }): AsyncGenerator<string> {
  if (request.headers['content-encoding'] !== 'gzip')
    throw new KubeblameError(
      'content-type-unsupported',
      'a push is newline-delimited JSON with Content-Encoding: gzip',
    );
  let failure: unknown = null;
  const source = pipeline(
    request,
    limit(MAX_BYTES, size),
    createGunzip(),
    limit(MAX_UNPACKED_BYTES, { bytes: 0 }),
    (error) => (failure = error),
  );
  const lines = createInterface({ input: source, crlfDelay: Infinity });
  try {
    for await (const line of lines) yield line;
  } catch (error) {
    failure ??= error;
  }
  if (failure === null || failure === undefined) return;
  if (failure instanceof KubeblameError) throw failure;
  if (request.destroyed && !request.complete)
    throw new KubeblameError('body-incomplete', 'the connection ended within the push');
  throw new Refusal('unproven', 'the body is no gzip');
}

function limit(most: number, size: { bytes: number }): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size.bytes += chunk.length;
      if (size.bytes > most) done(new KubeblameError('body-too-large', `a push has at most ${most} bytes`));
      else done(null, chunk);
    },
  });
}
