import { once } from 'node:events';
import { configMap } from '../../../../shared/testing/reviews.ts';
import { FakeApiServer } from '../../api-server/api-server.ts';
import { CONFIG_MAPS } from '../../api-server/served-types.ts';
import { forkBundled } from '../processes/bundled.ts';

const FEW = 1_000;
const MANY = 20_000;

interface Used {
  objects: number;
  heap: number;
  rss: number;
}

/** What watching 20,000 objects more costs the observer's process, in bytes an object, after garbage collection. */
export async function observerMemory(file: (name: string) => string): Promise<string> {
  const api = await FakeApiServer.start(file, [CONFIG_MAPS]);
  try {
    for (let n = 0; n < FEW; n++) put(api, n);
    const few = await observe(file('few.db'), api.kubeconfig);
    for (let n = FEW; n < FEW + MANY; n++) put(api, n);
    const many = await observe(file('many.db'), api.kubeconfig);
    const each = (what: 'heap' | 'rss'): string => ((many[what] - few[what]) / (many.objects - few.objects)).toFixed(0);
    return (
      `Memory of the observer, its recorder included: ${few.objects} objects ${megabytes(few.heap)}, ` +
      `${many.objects} objects ${megabytes(many.heap)}: ${each('heap')} bytes an object ` +
      `(resident, with garbage and the database's pages: ${each('rss')})`
    );
  } finally {
    await api.stop();
  }
}

function put(api: FakeApiServer, n: number): void {
  api.put(CONFIG_MAPS, configMap({ text: 'x'.repeat(1_000), n: String(n) }, { name: `c-${n}`, uid: `u-${n}` }));
}

async function observe(db: string, kubeconfig: string): Promise<Used> {
  const script = new URL('../processes/observer-process.ts', import.meta.url);
  const child = forkBundled(script, [db, kubeconfig], { execArgv: ['--expose-gc'] });
  const [first] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [Used | number | null];
  if (typeof first !== 'object' || first === null) throw new Error(`the observer ended with ${String(first)}`);
  if (child.exitCode === null) await once(child, 'exit');
  return first;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
