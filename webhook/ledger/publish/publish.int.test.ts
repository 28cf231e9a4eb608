import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import pino from 'pino';
import type { JsonObject } from '../../../shared/types.ts';
import { useFolder } from '../../testing/folder.ts';
import type { TreeHead } from '../proof/checkpoint.ts';
import { splitNotes } from '../proof/checkpoint.ts';
import { configMapPublisher } from './config-map.ts';
import { Checkpoints, type CheckpointOptions } from './publish.ts';

describe('signed checkpoints', () => {
  const file = useFolder();
  const lines: { msg: string }[] = [];
  const head: TreeHead = { origin: 'kubeblame.io/ledger/test/00', size: 1, root: Buffer.alloc(32) };
  const options = (publish?: CheckpointOptions['publish']): CheckpointOptions => ({
    head: () => Promise.resolve(head),
    file: file('checkpoints'),
    keyFile: file('key'),
    everyMs: 60_000,
    log: pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line) as { msg: string }) }),
    ...(publish === undefined ? {} : { publish }),
  });
  const notes = (): string[] => splitNotes(readFileSync(file('checkpoints'), 'utf8'));

  it('are kept in a config map too, all but the last, and only where something was recorded since', async () => {
    const applied: [string, JsonObject][] = [];
    const apply = (path: string, object: JsonObject): Promise<void> => {
      applied.push([path, object]);
      return Promise.resolve();
    };
    const find = (): Promise<null> => Promise.resolve(null);
    const told: string[] = [];
    const name = { namespace: 'kubeblame', name: 'proof' };
    const publish = configMapPublisher(name, { apply, find }, (text) => told.push(text));
    head.size = 1;
    const checkpoints = await Checkpoints.open(options(publish));
    await checkpoints.start();
    await checkpoints.sign();
    head.size = 2;
    await checkpoints.sign();
    head.size = 3;
    await checkpoints.close();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(notes().length, 3);
    assert.deepEqual(told, []);
    assert.deepEqual(
      applied,
      notes()
        .slice(0, 2)
        .map((checkpoint) => [
          '/api/v1/namespaces/kubeblame/configmaps/proof',
          {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: { name: 'proof', namespace: 'kubeblame' },
            data: { checkpoint },
          },
        ]),
    );
  });

  it('do not replace one of another ledger, nor one with more commits: it is kept, and told of once', async () => {
    let stored: JsonObject | null = null;
    const told: string[] = [];
    const client = {
      apply: (_: string, object: JsonObject): Promise<void> => {
        stored = object;
        return Promise.resolve();
      },
      find: (): Promise<JsonObject | null> => Promise.resolve(stored),
    };
    const sign = async (origin: string, size: number): Promise<void> => {
      const folder = `${origin.split('/').at(-1) ?? ''}-${size}`;
      const publish = configMapPublisher({ namespace: 'k', name: 'proof' }, client, (text) => told.push(text));
      const checkpoints = await Checkpoints.open({
        ...options(publish),
        head: () => Promise.resolve({ origin, size, root: Buffer.alloc(32) }),
        file: file(`${folder}.checkpoints`),
        keyFile: file(`${folder}.key`),
      });
      await checkpoints.start();
      await new Promise((resolve) => setImmediate(resolve));
      await checkpoints.close();
    };
    await sign('kubeblame.io/ledger/test/01', 9);
    await sign('kubeblame.io/ledger/test/01', 12);
    const [old] = Object.values((stored as unknown as { data: Record<string, string> }).data);
    assert.deepEqual(told, []);
    await sign('kubeblame.io/ledger/test/02', 1);
    const data = (): Record<string, string> => (stored as unknown as { data: Record<string, string> }).data;
    assert.deepEqual(Object.keys(data()).sort(), ['checkpoint', 'checkpoint-of-01-12']);
    assert.equal(data()['checkpoint-of-01-12'], old);
    await sign('kubeblame.io/ledger/test/02', 7);
    // An older copy was restored.
    await sign('kubeblame.io/ledger/test/02', 3);
    assert.deepEqual(Object.keys(data()).sort(), ['checkpoint', 'checkpoint-of-01-12', 'checkpoint-of-02-7']);
    assert.deepEqual(told, [
      'another ledger, kubeblame.io/ledger/test/01, was here before: it had 12 commits (its checkpoint is kept in the cluster)',
      'this ledger had 7 commits, and now has 3: an older copy was put in its place (its checkpoint is kept in the cluster)',
    ]);
  });

  it('are signed though the cluster does not take them, or the disk does not: it is logged, and the next one covers it', async () => {
    lines.length = 0;
    head.size = 1;
    const checkpoints = await Checkpoints.open({
      ...options(() => Promise.reject(new Error('forbidden'))),
      file: file('nowhere/checkpoints'),
    });
    await checkpoints.start();
    assert.ok(!existsSync(file('nowhere')));
    await checkpoints.close();
    const other = await Checkpoints.open(options(() => Promise.reject(new Error('forbidden'))));
    await other.start();
    await new Promise((resolve) => setImmediate(resolve));
    await other.close();
    const messages = lines.map(({ msg }) => msg);
    assert.ok(messages.includes('checkpoint not signed') && messages.includes('checkpoint not published'));
    assert.equal(notes().length, 1);
  });
});
