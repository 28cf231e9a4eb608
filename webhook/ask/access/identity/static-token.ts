import { createHash, timingSafeEqual } from 'node:crypto';
import { bearerToken, EVERYTHING, type Authenticator } from './caller.ts';

/** The token of --read-token-file: whoever has it reads all. Compares digests, so that the time tells nothing of it. */
export function staticToken(token: string): Authenticator {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = digest(token);
  return (request) =>
    Promise.resolve(timingSafeEqual(digest(bearerToken(request) ?? ''), expected) ? EVERYTHING : null);
}
