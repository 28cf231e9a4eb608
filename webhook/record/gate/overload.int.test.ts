import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { configMap, reviewDocument } from '../../../shared/testing/reviews.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { useFolder } from '../../testing/folder.ts';
import { HttpsClient, TestServer, until } from '../../testing/server/server.ts';

describe('more reviews than the ledger takes', () => {
  const file = useFolder();
  const review = (name: string, username = 'alice@example.com', bytes = 2_000): JsonObject =>
    reviewDocument({ uid: name, name, username, object: configMap({ text: '.'.repeat(bytes) }, { name, uid: name }) });

  it('are answered while the spool has room; then allowed, told to people, counted as lost, and a gap in the coverage', async () => {
    const server = await TestServer.start(file, { spoolBytes: 16 * 12 * 1024 });
    const client = new HttpsClient(server.running.admission, server.certificates.ca, { connections: 50 });
    const metric = async (name: string): Promise<string | undefined> => {
      const { text } = await server.admission.get('/metrics');
      return text.split('\n').find((line) => line.startsWith(`${name} `));
    };
    const warningsTo = async (document: JsonObject): Promise<unknown> => {
      const { response } = (await client.admit(document)).json() as { response: JsonObject };
      assert.equal(response.allowed, true);
      return response.warnings;
    };
    const disk = new Database(server.config.db);
    try {
      // As a disk that hangs, below the ledger alone.
      disk.exec('BEGIN IMMEDIATE');
      const recorded: string[] = [];
      const lost: string[] = [];
      const send = async (name: string): Promise<void> => {
        const warnings = await warningsTo(review(name));
        if (warnings === undefined) recorded.push(name);
        else {
          assert.deepEqual(warnings, ['kubeblame did not record this request: overloaded']);
          lost.push(name);
        }
      };
      for (let n = 0; lost.length === 0; n += 6) {
        await Promise.all(Array.from({ length: 6 }, (_, index) => send(`r${n + index}`)));
        assert.ok(n < 100, 'the spool has an end');
      }
      const large = review('node', 'system:node:n1', 11_000);
      assert.equal(await warningsTo(large), undefined, 'a controller is not told');
      lost.push('node');
      assert.ok(recorded.length >= 40, `${recorded.length} found room`);
      assert.equal(await metric('kubeblame_queue_depth'), `kubeblame_queue_depth ${recorded.length}`);

      // A question waits for what was answered before it.
      const changes = server.read.get('/api/v1/changes?limit=1000');
      disk.exec('ROLLBACK');
      const uids = ((await changes).json().changes as JsonObject[]).map(({ reviewUid }) => reviewUid);
      assert.deepEqual(uids.sort(), [...recorded].sort());

      const count = `kubeblame_reviews_total{result="lost"} ${lost.length}`;
      assert.equal(await metric('kubeblame_reviews_total{result="lost"}'), count);
      const losses = server.log.filter(({ msg }) => msg === 'review lost');
      assert.deepEqual(losses.map(({ reviewUid }) => reviewUid).sort(), [...lost].sort());
      assert.ok(losses.every(({ code }) => code === 'overloaded'));
      assert.ok(losses.every(({ reason }) => /^the spool is full|reviews wait for the disk$/.test(String(reason))));
      const gaps = async (): Promise<JsonObject[]> => {
        const reply = await server.read.get('/api/v1/coverage');
        return (JSON.parse(reply.text) as JsonObject[]).filter(({ covered }) => covered === false);
      };
      const told = async (): Promise<number> =>
        (await gaps()).reduce((sum, { cause }) => sum + Number.parseInt(cause as string, 10), 0);
      await until('the coverage tells of the losses', async () => (await told()) >= lost.length);
      assert.equal(await told(), lost.length);
    } finally {
      disk.close();
      client.close();
      await server.stop();
    }
  });
});
