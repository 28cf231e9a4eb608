import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import type { KubeblameError } from '../../../shared/errors.ts';
import { BodyBudget, BodyNotKept, MAX_BODY_BYTES, readBody, type BodyShare } from './body.ts';

/** A request whose body comes in these chunks. */
function request(...chunks: readonly Buffer[]): IncomingMessage {
  const stream = Object.assign(new PassThrough(), { headers: {}, complete: true });
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  return stream as unknown as IncomingMessage;
}

async function outcome(chunks: readonly Buffer[], share: BodyShare): Promise<string> {
  try {
    return `${(await readBody(request(...chunks), share)).length} bytes`;
  } catch (error) {
    const start = error instanceof BodyNotKept ? `, begins with ${error.start.toString()}` : '';
    return `${(error as KubeblameError).code}${start}`;
  }
}

describe('the bodies that are in memory at once', () => {
  const KB = 1024;
  const large = [Buffer.from('{"uid"'), Buffer.alloc(40 * KB), Buffer.alloc(40 * KB)];
  const size = `${80 * KB + 6} bytes`;

  it('are bounded: one too many is read and not kept, but for what says which it is', async () => {
    const budget = new BodyBudget(200 * KB);
    const shares = [budget.share(), budget.share(), budget.share()];
    const [first, second, third] = await Promise.all(shares.map((share) => outcome(large, share)));
    assert.deepEqual([first, second, third], [size, size, 'overloaded, begins with {"uid"']);
    // Small ones go on beside them.
    assert.equal(await outcome([Buffer.alloc(10 * KB)], budget.share()), `${10 * KB} bytes`);
    for (const share of shares) share.giveBack();
    assert.equal(await outcome(large, budget.share()), size);
  });

  it('give back what they took when they are not kept, and once', async () => {
    const budget = new BodyBudget(8 * 1024 * KB);
    const share = budget.share();
    const tooLarge = [Buffer.from('{"uid"'), Buffer.alloc(MAX_BODY_BYTES)];
    assert.equal(await outcome(tooLarge, share), 'body-too-large, begins with {"uid"');
    share.giveBack();
    assert.equal(await outcome([Buffer.alloc(7 * 1024 * KB)], budget.share()), `${7 * 1024 * KB} bytes`);
    const second = await outcome([Buffer.from('{'), Buffer.alloc(2 * 1024 * KB)], budget.share());
    assert.equal(second, 'overloaded, begins with {');
  });
});
