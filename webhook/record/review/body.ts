import type { IncomingMessage } from 'node:http';
import { KubeblameError, type ErrorCode } from '../../../shared/errors.ts';

/**
 * The largest body that is read. An object is at most 3 MiB in JSON (etcd takes 1.5 MiB, and kube-apiserver's own limit
 * for a request is 3 MiB); a review holds two, and a megabyte is ample for everything else. As controller-runtime has it.
 */
export const MAX_BODY_BYTES = 7 * 1024 * 1024;

/**
 * What is longer is read up to here, and not kept: the caller hears an answer only when all of its body was taken. An API server can send
 * so much: of 3 MiB that a client sent, and of the 1.5 MiB that etcd holds, Go writes each `<` as six bytes.
 */
export const MAX_PASSED_BYTES = 28 * 1024 * 1024;

/** A body that was read to its end and not kept: too large, or one too many at once. */
export class BodyNotKept extends KubeblameError {
  /** `start`: what came first of it. */
  constructor(
    code: ErrorCode,
    message: string,
    readonly start: Buffer,
  ) {
    super(code, message);
  }
}

function tooLarge(start: Buffer): BodyNotKept {
  return new BodyNotKept('body-too-large', `the body is larger than ${MAX_BODY_BYTES} bytes`, start);
}

/**
 * What all bodies together may take from their first byte to their answer. Sixty-four connections with objects of a megabyte
 * would otherwise take all the memory that the container may have, and the kernel would end it.
 */
export const MAX_BODIES_BYTES = 64 * 1024 * 1024;

/** Bounds the bytes of the bodies that are in memory at once. */
export class BodyBudget {
  private used = 0;

  constructor(private readonly maxBytes = MAX_BODIES_BYTES) {}

  /** A body's part of it, which grows as the body comes. */
  share(): BodyShare {
    let taken = 0;
    return {
      take: (bytes) => {
        if (this.used + bytes > this.maxBytes) return false;
        this.used += bytes;
        taken += bytes;
        return true;
      },
      giveBack: () => {
        this.used -= taken;
        taken = 0;
      },
    };
  }
}

export interface BodyShare {
  /** False where there is no room for so many bytes more. */
  take(bytes: number): boolean;
  /** All that was taken: the body is not needed any more. Idempotent. */
  giveBack(): void;
}

/**
 * Reads a request's body; its bytes are taken from `share`, and stay there. Rejects with BodyNotKept where it is too large (at
 * once, where Content-Length tells of more than MAX_PASSED_BYTES) or there is no room for it, or with body-incomplete. By events:
 * iterating over a stream costs as much as all of HTTP.
 */
export function readBody(request: IncomingMessage, share: BodyShare): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_PASSED_BYTES)
    return Promise.reject(tooLarge(Buffer.alloc(0)));
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let bytes = 0;
    let crowded = false;
    const incomplete = (cause?: Error): void => {
      const message = 'the connection ended before the whole body had arrived';
      reject(new KubeblameError('body-incomplete', message, undefined, { cause }));
    };
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      crowded ||= bytes <= MAX_BODY_BYTES && !share.take(chunk.length);
      if (bytes <= MAX_BODY_BYTES && !crowded) chunks.push(chunk);
      else if (bytes <= MAX_PASSED_BYTES) {
        // The first chunk says which review it is, and is too small to count.
        chunks = chunks.length === 0 ? [chunk] : chunks.slice(0, 1);
        share.giveBack();
      } else {
        // Nothing more is read of it; the answer ends the connection.
        request.pause();
        reject(tooLarge(Buffer.concat(chunks)));
      }
    });
    request.once('end', () => {
      if (bytes > MAX_BODY_BYTES) reject(tooLarge(Buffer.concat(chunks)));
      else if (crowded) reject(new BodyNotKept('overloaded', 'too many large reviews at once', Buffer.concat(chunks)));
      else resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    });
    request.once('error', incomplete);
    request.once('close', () => {
      if (!request.complete) incomplete();
    });
  });
}
