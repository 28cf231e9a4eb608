import assert from 'node:assert/strict';
import { normalise } from '../../../../shared/normalise.ts';
import type { ReviewOptions } from '../../../../shared/testing/reviews.ts';
import type { JsonObject, ObjectRef } from '../../../../shared/types.ts';
import { useFolder } from '../../../testing/folder.ts';
import { TestRecorder } from '../../../testing/ledgers/recorder.ts';

const REF: ObjectRef = { group: '', resource: 'secrets', kind: 'Secret', namespace: 'shop', name: 'db', uid: 'u' };

const secret = (
  version: string,
  password: string,
  annotations: JsonObject = {},
  labels: JsonObject = {},
): JsonObject => ({
  kind: 'Secret',
  apiVersion: 'v1',
  metadata: { name: 'db', namespace: 'shop', uid: 'u', resourceVersion: version, annotations, labels },
  data: { password: Buffer.from(password).toString('base64') },
});

const update = (oldObject: JsonObject, object: JsonObject): ReviewOptions => ({
  operation: 'UPDATE',
  resource: 'secrets',
  kind: 'Secret',
  name: 'db',
  oldObject,
  object,
});

describe('an annotation that repeats a value which its Secret had before', () => {
  const file = useFolder();
  const OLD = 'an-older-one';
  const note = { note: `it was ${OLD}` };

  async function open(): Promise<TestRecorder> {
    const on = await TestRecorder.open(file('ledger.db'));
    on.at = Date.parse('2026-11-22T06:00:00Z');
    return on;
  }

  async function told(on: TestRecorder): Promise<string> {
    const bodies = await Promise.all((await on.changes()).map(({ seq }) => on.store.body(seq)));
    const details = (await on.changes()).map((change) => change.detail());
    return JSON.stringify([bodies, details]);
  }

  it('stays redacted in later reviews and in what a watch shows, also after a restart, and that is no change', async () => {
    let on = await open();
    await on.review({ resource: 'secrets', kind: 'Secret', name: 'db', object: secret('', OLD) });
    await on.review(update(secret('1', OLD), secret('1', 'a-newer-one', note)));
    await on.recorder.observe(REF, normalise(secret('2', 'a-newer-one', note)), on.at);
    await on.close();
    on = await open();
    await on.recorder.observe(REF, normalise(secret('2', 'a-newer-one', note)), on.at);
    await on.review(update(secret('2', 'a-newer-one', note), secret('2', 'a-newer-one', note, { tier: 'db' })));
    await on.recorder.observe(REF, normalise(secret('3', 'a-newer-one', note, { tier: 'db' })), on.at);
    assert.deepEqual(await on.summary(), [
      '1 admission CREATE committed@1',
      '2 admission UPDATE committed@2',
      '3 admission UPDATE committed@3',
    ]);
    assert.equal((await told(on)).includes(OLD), false);
    await on.close();
  });

  it('is no change of somebody unknown where a text was recorded before it turned out to be a value', async () => {
    const on = await open();
    const next = { note: 'next: a-newer-one' };
    await on.review({ resource: 'secrets', kind: 'Secret', name: 'db', object: secret('', OLD, next) });
    await on.review(update(secret('1', OLD, next), secret('1', 'a-newer-one', next)));
    assert.deepEqual(await on.summary(), ['1 admission CREATE committed@1', '2 admission UPDATE pending']);
    const { patch } = (await on.changes())[1]?.detail() ?? { patch: [] };
    assert.equal(JSON.stringify(patch).includes('a-newer-one'), false);
    assert.deepEqual(patch.map(({ path }) => path).sort(), ['/data/password', '/metadata/annotations/note']);
    await on.close();
  });
});
