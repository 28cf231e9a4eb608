import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { configMap, reviewDocument } from '../../../shared/testing/reviews.ts';
import { stringifyJson } from '../../../shared/json.ts';
import { useFolder } from '../folder.ts';
import { serveArguments, ServerProcess } from '../server/process.ts';
import { HttpsClient, TestCertificates, until } from '../server/server.ts';
import { FULL } from './size.ts';

/** As large as the API server takes an object, nearly. */
const OBJECT_BYTES = 950_000;
const CONNECTIONS = 64;
const ROUNDS = 20;
const MANIFEST = new URL('../../../manifests/base/statefulset.yaml', import.meta.url);
const LIMIT_MIB = Number(/^ +limits:\n +memory: (\d+)Mi$/m.exec(readFileSync(MANIFEST, 'utf8'))?.[1]);

/** In `make torture` only: of memory nothing less than all of it tells. The budget itself is tested in webhook/record/review. */
(FULL ? describe : () => undefined)('updates of the largest objects over many connections', function () {
  this.timeout(300_000);
  const file = useFolder();
  let server: ServerProcess | undefined;
  afterEach(async () => {
    await server?.kill();
  });

  it('take less memory than the container may have; each is allowed, and the metrics tell how many were not recorded', async function () {
    if (process.platform !== 'linux') {
      console.error('      SKIPPED: no /proc to see memory in');
      this.skip();
    }
    const certificates = await TestCertificates.make(file);
    server = await ServerProcess.start(serveArguments(file('ledger.db'), certificates));
    const client = new HttpsClient(server.admission, certificates.ca, { connections: CONNECTIONS });
    const body = (name: string, version: number): string => {
      const data = (n: number) => ({ text: `${n} of ${name}`.padEnd(OBJECT_BYTES, '.') });
      const of = (n: number) => configMap(data(n), { name, uid: name, resourceVersion: String(n) });
      return stringifyJson(reviewDocument({ name, uid: `${name}-${version}`, operation: 'UPDATE', object: of(version + 1), oldObject: of(version) })); // prettier-ignore
    };
    let [recorded, lost] = [0, 0];
    await Promise.all(
      Array.from({ length: CONNECTIONS }, async (_, index) => {
        for (let round = 0; round < ROUNDS; round++) {
          const reply = await client.admit(body(`map-${index}`, round)).catch(() => null);
          // What takes longer than ten seconds to send, on a machine this busy, is cut off.
          if (reply?.status !== 200) continue;
          const { response } = reply.json() as { response: { allowed: boolean; warnings?: string[] } };
          assert.equal(response.allowed, true);
          if (response.warnings === undefined) recorded++;
          else lost++;
        }
      }),
    );
    const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
    const peakMib = Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
    console.log(`      ${recorded} recorded, ${lost} not, ${peakMib} MiB at most; the container may have ${LIMIT_MIB}`);
    assert.ok(recorded > 0 && peakMib < LIMIT_MIB, `${peakMib} MiB`);
    const counted = async (): Promise<number> =>
      Number(/^kubeblame_reviews_total\{result="lost"\} (\d+)$/m.exec((await client.get('/metrics')).text)?.[1]);
    await until('the losses are counted', async () => (await counted()) === lost).catch(() => undefined);
    assert.equal(await counted(), lost);
    client.close();
    server.signal('SIGTERM');
    assert.equal((await server.ended).code, 0);
  });
});
