import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { Redactor } from '../../../../shared/redact.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { DEFAULT_SKIP, Predicates } from '../../../record/rules/predicates.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { redactionKey } from '../../../ledger/files/redaction-key.ts';
import type { LedgerStore, StoredChange } from '../../../ledger/port/port.ts';
import { openSqliteReader } from '../../../ledger/sqlite/store/store.ts';
import { AuditJudge, changeLine, finishedRequests, succeeded, userOf, type AuditEvent } from '../../server/audit.ts';
import { useCluster } from '../../cluster/cluster.ts';
import { clusterTruth } from '../../cluster/cluster-truth.ts';
import { apply, register, webhookConfiguration } from '../../cluster/registration.ts';
import { Scenario } from '../../cluster/scenario.ts';
import { TestServer, until } from '../../server/server.ts';
import { departures, NO_DEPARTURES, statesAt } from '../../ledgers/states.ts';

/*
 * People at work on a real API server. What it then holds, and its audit log, judge what the ledger says.
 */
describe('what people do to a cluster', () => {
  const cluster = useCluster();
  const marks: { name: string; at: number; truth: Map<string, string> }[] = [];
  let server: TestServer;
  let store: LedgerStore;
  let reader: StoreReader;
  let changes: StoredChange[];
  let events: AuditEvent[];
  let stopRefusing: () => void;

  before(async function () {
    this.timeout(300_000);
    server = await TestServer.start((name) => cluster().file(name), {
      kubeconfig: { file: cluster().kubeconfig('admin') },
      // A short life of each watch: its end brings a bookmark, which tells that nothing was missed.
      timing: { watchSeconds: 8, silenceMs: 20_000, sweepMs: 500, dropAfterMs: 5_000 },
    });
    store = openSqliteReader(server.config.db);
    reader = new StoreReader(store, () => Date.now());
    const redactor = new Redactor(redactionKey(server.config.keyFile, false));
    stopRefusing = await refuseSome();
    await register(cluster(), server);
    const scenario = new Scenario(cluster());
    await mark('installed', redactor, () => scenario.install());
    await mark('edited', redactor, () => scenario.edit());
    await mark('refused', redactor, () => scenario.refuse());
    await mark('deleting', redactor, () => scenario.startDeleting());
    await mark('deleted', redactor, () => scenario.finishDeleting());
    await mark('torn down', redactor, () => scenario.tearDown());
    await until('every attempt is settled', async () => (await store.openAttempts(0, 1)).length === 0, 60_000).catch(
      () => undefined,
    );
    changes = (await store.changes({}, 100_000)).reverse();
    events = finishedRequests(cluster().auditLog() as unknown as AuditEvent[]);
  });
  after(async () => {
    stopRefusing?.();
    await reader?.close();
    await server?.stop();
  });

  /** Does something, waits until the ledger has caught up, and keeps what the cluster then holds. */
  async function mark(name: string, redactor: Redactor, work: () => Promise<void>): Promise<void> {
    await work();
    let truth = new Map<string, string>();
    const caughtUp = async (): Promise<boolean> => {
      truth = await clusterTruth(cluster(), redactor);
      return Object.values(departures(truth, await statesAt(reader, Date.now()))).flat().length === 0;
    };
    // Whether it does is for the tests to say, object by object.
    await until(`the ledger knows all of ${name}`, caughtUp, 30_000).catch(() => undefined);
    marks.push({ name, at: Date.now(), truth });
  }

  /** Another webhook, which refuses what is called `refused-...` after ours was asked. */
  async function refuseSome(): Promise<() => void> {
    const { cert, key } = server.certificates;
    const other = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (part: string) => (text += part));
      request.on('end', () => {
        const review = JSON.parse(text) as { request: { uid: string; name: string } };
        const allowed = !review.request.name.startsWith('refused-');
        const answer = { uid: review.request.uid, allowed };
        // Later than our answer.
        const reply = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer });
        setTimeout(() => response.setHeader('Content-Type', 'application/json').end(reply), 100);
      });
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const [webhook] = webhookConfiguration(server).webhooks as JsonObject[];
    const { port } = other.address() as AddressInfo;
    await apply(cluster(), {
      ...webhookConfiguration(server),
      metadata: { name: 'refusing' },
      webhooks: [
        {
          ...webhook,
          name: 'refuse.example.com',
          rules: [{ apiGroups: [''], apiVersions: ['*'], resources: ['configmaps'], operations: ['CREATE', 'UPDATE'] }],
          clientConfig: { ...(webhook?.clientConfig as JsonObject), url: `https://127.0.0.1:${port}/` },
        },
      ],
    });
    return () => {
      other.close();
      other.closeAllConnections();
    };
  }

  const requested = (): StoredChange[] =>
    changes.filter(({ source, effect }) => source === 'admission' && effect !== 'none');

  it('is rebuilt as it was at each moment: every object equal, none missing, none extra', async function () {
    this.timeout(60_000);
    for (const { name, at, truth } of marks) {
      assert.deepEqual(departures(truth, await statesAt(reader, at)), NO_DEPARTURES, name);
      console.log(`      ${name}: ${truth.size} objects equal, none missing, none extra`);
    }
  });

  it('is settled: nothing stays open', () => {
    assert.deepEqual(
      requested()
        .filter(({ outcome }) => outcome === 'pending')
        .map(changeLine),
      [],
    );
  });

  it('has the outcomes that the audit log tells', () => {
    const judge = new AuditJudge(requested(), events);
    const disagreeing = judge.disagreements();
    const dropped = requested().filter(({ outcome }) => outcome === 'dropped').length;
    console.log(
      `      ${requested().length - disagreeing.length} outcomes agree with the audit log (${dropped} dropped), ` +
        `${disagreeing.length} disagree`,
    );
    assert.deepEqual(disagreeing.map(changeLine), []);
    // Refused by another webhook, by the quota, and because it was there. The quota needs its time before `one` counts.
    // The API server's own controllers try some things twice.
    const names = requested().filter(
      ({ outcome, operation, object, actor }) =>
        outcome === 'dropped' &&
        operation === 'CREATE' &&
        object.name !== 'one' &&
        actor?.username.startsWith('system:') === false,
    );
    assert.deepEqual(names.map(({ object }) => object.name).sort(), [
      'refused-1',
      'refused-1',
      'settings',
      'three',
      'three',
      'two',
    ]);
    assert.deepEqual(judge.wrongVersions().map(changeLine), []);
    assert.deepEqual(
      judge.unanswered().map(({ requestURI }) => requestURI),
      [],
    );
  });

  it('misses no version that a request made, nor who made it', () => {
    const predicates = new Predicates([], DEFAULT_SKIP);
    const known = new Map<string, StoredChange[]>();
    for (const change of changes) {
      const key = `${change.object.uid}@${change.resourceVersion}`;
      known.set(key, [...(known.get(key) ?? []), change]);
    }
    const registeredAt = changes.find(({ source }) => source === 'admission')?.at ?? 0;
    const answered = new Set<string>();
    const missing = events.filter((event) => {
      const { apiGroup = '', resource = '', subresource } = event.objectRef ?? {};
      const { uid = '', resourceVersion = '' } = event.responseObject?.metadata ?? {};
      if (!succeeded(event) || uid === '' || resourceVersion === '' || subresource === 'token') return false;
      if (predicates.skipsResource(apiGroup, resource)) return false;
      // Never sent to webhooks, or not yet.
      if (apiGroup === 'admissionregistration.k8s.io' || Date.parse(event.stageTimestamp) < registeredAt) return false;
      const version = `${uid}@${resourceVersion}`;
      const made = known.get(version) ?? [];
      // A request that changes nothing is answered with the version that was there.
      const again = answered.has(version) || made.some(({ source }) => source === 'baseline');
      answered.add(version);
      return !again && !made.some(({ actor }) => actor?.username === userOf(event));
    });
    assert.deepEqual(
      missing.map(({ verb, requestURI, responseObject }) => [
        verb,
        requestURI,
        responseObject?.metadata?.resourceVersion,
      ]),
      [],
    );
  });

  it('has nothing without a user that a request explains', () => {
    const unknown = changes.filter(
      ({ source, object, detail }) =>
        source === 'watch' && object.group !== 'admissionregistration.k8s.io' && detail().cause === null,
    );
    assert.deepEqual(
      unknown.map((change) => `${changeLine(change)} ${JSON.stringify(change.detail().patch).slice(0, 300)}`),
      [],
    );
  });
});
