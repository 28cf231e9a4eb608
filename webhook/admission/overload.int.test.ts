import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { configMap, reviewDocument } from '../../shared/testing/reviews.ts';
import type { Json, JsonObject } from '../../shared/types.ts';
import { useFolder } from '../testing/folder.ts';
import { HttpsClient, TestServer, until } from '../testing/server.ts';

describe('more reviews than can wait', () => {
  const file = useFolder();
  const review = (name: string, username = 'alice@example.com'): JsonObject =>
    reviewDocument({ uid: name, name, username, object: configMap({}, { name, uid: name }) });

  it('are allowed and told to people, counted as lost, and a gap in the coverage; the others are recorded', async () => {
    const server = await TestServer.start(file, { limits: { maxWaiting: 3, maxWaitingBytes: 1_000_000 } });
    const client = new HttpsClient(server.running.admission, server.certificates.ca, { connections: 50 });
    const metrics = async (name: string): Promise<string | undefined> => {
      const { text } = await server.admission.get('/metrics');
      return text.split('\n').find((line) => line.startsWith(`${name} `));
    };
    const responseTo = async (document: JsonObject): Promise<Json | undefined> =>
      (await client.admit(document)).json().response;
    const disk = new Database(server.config.db);
    try {
      // As a disk that hangs: what is being committed waits for it, and what comes then waits behind that.
      disk.exec('BEGIN IMMEDIATE');
      const sent: string[] = [];
      const answers: Promise<Json | undefined>[] = [];
      const send = (): void => {
        const name = `r${sent.length}`;
        sent.push(name);
        answers.push(responseTo(review(name)));
      };
      const depth = async (): Promise<number> => Number((await metrics('kubeblame_queue_depth'))?.split(' ')[1]);
      send();
      for (const end = Date.now() + 3_000; (await depth()) === 0 && Date.now() < end;) {
        send();
        // It waits, or has come in time for the commit that waits for the disk.
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      while ((await depth()) < 3) {
        const before = await depth();
        send();
        await until('one more waits', async () => (await depth()) > before);
      }

      const warnings = ['kubeblame did not record this request: overloaded'];
      assert.deepEqual(await responseTo(review('e')), { uid: 'e', allowed: true, warnings });
      assert.deepEqual(await responseTo(review('f', 'system:node:n1')), { uid: 'f', allowed: true });

      disk.exec('ROLLBACK');
      assert.deepEqual(
        await Promise.all(answers),
        sent.map((uid) => ({ uid, allowed: true })),
      );
      assert.equal(await metrics('kubeblame_reviews_total{result="lost"}'), 'kubeblame_reviews_total{result="lost"} 2');
      const losses = server.log.filter(({ msg }) => msg === 'review lost');
      assert.deepEqual(
        losses.map(({ reviewUid, code, reason }) => [reviewUid, code, String(reason).replace(/\d{2,}/, 'N')]),
        ['e', 'f'].map((uid) => [uid, 'overloaded', '3 reviews (N bytes) wait to be stored']),
      );
      const changes = (await server.read.get('/api/v1/changes')).json().changes as JsonObject[];
      assert.deepEqual(changes.map(({ reviewUid }) => reviewUid).sort(), [...sent].sort());
      const gaps = async (): Promise<JsonObject[]> => {
        const reply = await server.read.get('/api/v1/coverage');
        return (JSON.parse(reply.text) as JsonObject[]).filter(({ covered }) => covered === false);
      };
      await until('the coverage tells of the losses', async () => (await gaps()).length > 0);
      assert.deepEqual(
        (await gaps()).map(({ cause }) => cause),
        ['2 reviews could not be recorded'],
      );
    } finally {
      disk.close();
      client.close();
      await server.stop();
    }
  });
});
