import { statSync } from 'node:fs';
import { FactsProjection } from '../../../entities/landscape/projection/projection.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { openThreadedSqliteStore } from '../../../ledger/sqlite/store/open-store.ts';
import { openSqliteReader } from '../../../ledger/sqlite/store/store.ts';
import { EVERY_MS, STARTED_AT } from '../traffic/generate.ts';
import { applicationName, generateLandscape, OBJECTS_OF_APPLICATION } from '../traffic/landscape.ts';

export interface LandscapeRow {
  question: string;
  items: number;
  /** CPU ms, the median: of a moment that nobody asked about before; of the same again; of a new one in a ledger a quarter as long. */
  ms: number;
  againMs: number;
  smallMs: number;
}

export interface LandscapeCost {
  rows: LandscapeRow[];
  /** CPU µs a change to take in what was recorded, in the thread that answers questions. */
  takeInUs: number;
  ledgerBytes: number;
  factsBytes: number;
}

const OBJECTS = 10_000;
const TURNS = 7;
const WARM_TURNS = 3;
const LATER_MS = 3_600_000;

/** Generates two ledgers of as many objects, and asks both the same. */
export async function measureLandscape(path: (name: string) => string, changes: number): Promise<LandscapeCost> {
  const large = await Asked.make(path('landscape.db'), changes);
  const small = await Asked.make(path('landscape-small.db'), changes / 4);
  const rows: LandscapeRow[] = [];
  for (const { title, run } of QUESTIONS) {
    const times: [number[], number[], number[]] = [[], [], []];
    let items = 0;
    for (let turn = -WARM_TURNS; turn < TURNS; turn++) {
      const first = await timed(() => run(large, turn));
      const again = await timed(() => run(large, turn));
      const ofSmall = await timed(() => run(small, turn));
      if (turn < 0) continue;
      items = first.value;
      for (const [index, { ms }] of [first, again, ofSmall].entries()) times[index]?.push(ms);
    }
    const [ms, againMs, smallMs] = times.map(median) as [number, number, number];
    rows.push({ question: title, items, ms, againMs, smallMs });
  }
  const cost = { rows, takeInUs: large.takeInUs, ledgerBytes: large.bytes(''), factsBytes: large.bytes('.facts') };
  await Promise.all([large.close(), small.close()]);
  return cost;
}

class Asked {
  private constructor(
    private readonly file: string,
    readonly reader: StoreReader,
    private readonly projection: FactsProjection,
    readonly takeInUs: number,
    private readonly changes: number,
  ) {}

  static async make(file: string, changes: number): Promise<Asked> {
    const store = await openThreadedSqliteStore(file, 'bench', STARTED_AT);
    await generateLandscape(store, { changes, applications: OBJECTS / OBJECTS_OF_APPLICATION, batch: 256 });
    await store.close();
    const projection = new FactsProjection(file, `${file}.facts`);
    const { ms } = await timed(() => projection.catchUp(Infinity));
    const reading = openSqliteReader(file);
    reading.factsSource = (seq) => projection.at(seq, Infinity);
    const reader = new StoreReader(reading, () => STARTED_AT + changes * EVERY_MS + LATER_MS);
    return new Asked(file, reader, projection, (ms * 1_000) / changes, changes);
  }

  bytes(end: string): number {
    return [end, `${end}-wal`].reduce((sum, each) => sum + (statSync(`${this.file}${each}`, { throwIfNoEntry: false })?.size ?? 0), 0); // prettier-ignore
  }

  /** In the second half of the ledger: before it, the objects are created. Another one for each question and turn. */
  moment(question: number, turn: number): number {
    const part = ((turn + WARM_TURNS) * 0.137 + question * 0.031) % 1;
    return Math.floor(STARTED_AT + (0.5 + part / 2) * this.changes * EVERY_MS);
  }

  async close(): Promise<void> {
    this.projection.close();
    await this.reader.close();
  }
}

const QUESTIONS: { title: string; run: (of: Asked, turn: number) => Promise<number> }[] = [
  {
    title: 'the whole cluster at any time, in states',
    run: async (of, turn) => {
      let count = 0;
      for (let next: string | null | undefined; next !== null;) {
        const token = next === undefined ? {} : { continue: next };
        const page = await of.reader.states({ scope: {}, at: of.moment(0, turn), limit: 500, ...token });
        count += page.states.length;
        next = page.next;
      }
      return count;
    },
  },
  { title: 'its graph', run: async (of, turn) => (await of.reader.graph({ at: of.moment(1, turn) })).edges.length },
  { title: 'apps', run: async (of, turn) => (await of.reader.applications({ at: of.moment(2, turn) })).applications.length }, // prettier-ignore
  {
    title: 'impact of a Service, depth 3',
    run: async (of, turn) => {
      const { namespace, name } = applicationName(100 + turn * 13);
      const scope = { type: { group: '', resource: 'services' }, namespace, names: [name] };
      return (await of.reader.impact({ scope, at: of.moment(3, turn), blow: 'changed', hops: 3 })).reached.length;
    },
  },
];

async function timed<T>(run: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const before = process.cpuUsage();
  const value = await run();
  const { user, system } = process.cpuUsage(before);
  return { value, ms: (user + system) / 1_000 };
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;
}
