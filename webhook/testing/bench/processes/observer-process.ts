import { KubeConfig } from '@kubernetes/client-node';
import pino from 'pino';
import { Redactor } from '../../../../shared/redact.ts';
import { ReviewReader } from '../../../record/review/review-reader.ts';
import { Predicates } from '../../../record/rules/predicates.ts';
import { Recorder } from '../../../record/capture/recorder/recorder.ts';
import { KubeApiClient } from '../../../platform/kubernetes/api-client.ts';
import { RecorderFacts } from '../../../record/sources/watch/facts.ts';
import { Observer, OBSERVER_TIMING } from '../../../record/sources/watch/observer.ts';
import { openSqliteStore } from '../../../ledger/sqlite/store/open-store.ts';

/*
 * The observer with its recorder and ledger, in a process of its own so that its memory is only theirs. Says how much it
 * uses, in bytes, once it has listed the cluster of a kubeconfig. Needs --expose-gc.
 */
const [db = '', file = ''] = process.argv.slice(2);

const store = openSqliteStore(db, 'bench', Date.now());
const predicates = new Predicates([]);
const recorder = await Recorder.open({ store, redactor: new Redactor(Buffer.from('bench')), predicates });
const kubeconfig = new KubeConfig();
kubeconfig.loadFromFile(file);
const observer = new Observer({
  client: new KubeApiClient(kubeconfig),
  facts: new RecorderFacts(recorder, store, () => Date.now()),
  recorder,
  predicates,
  reader: new ReviewReader(() => false),
  log: pino({ level: 'silent' }),
  now: () => Date.now(),
  timing: OBSERVER_TIMING,
});
observer.start();
while (!observer.synced) await new Promise((resolve) => setTimeout(resolve, 50));
// Twice: what the first one frees may hold others.
for (let n = 0; n < 2; n++) {
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 50));
}
const { heapUsed, external, rss } = process.memoryUsage();
const objects = (await store.last())?.seq ?? 0;
await observer.close();
await recorder.close();
await store.close();
process.send?.({ objects, heap: heapUsed + external, rss });
