import { isMarked, ownersOf, type Fact, type OwnerReference } from '../../shared/causes/fact.ts';
import type { PodEvent } from '../../shared/causes/pods.ts';
import { isObject } from '../../shared/json.ts';
import type { Json, JsonObject } from '../../shared/types.ts';
import type { ChangeFilter, LedgerView, StoredChange } from '../store/port.ts';
import type { States } from './views.ts';

/** Changes of one owner, or of all its pods, that are looked at: beyond that nothing is said. */
const MAX_CHANGES = 5000;

/** Looks up what causes are found from; remembers it for one answer. */
export class CauseRecords {
  private readonly facts = new Map<string, Promise<Fact[] | null>>();
  private readonly events = new Map<string, Promise<PodEvent[] | null>>();

  constructor(
    private readonly store: LedgerView,
    private readonly states: States,
  ) {}

  change(seq: number): Promise<StoredChange | null> {
    return this.store.change(seq);
  }

  async fact(change: StoredChange): Promise<Fact> {
    const { seq, object, operation, subresource, source, actor, effect } = change;
    const { before, after } = await this.states.around(change);
    const state = effect === 'none' ? before : after;
    return { seq, object, operation, subresource, source, actor, effect, before, after: state };
  }

  /** The changes of some objects that came true and touch more than status, oldest first; null where there are too many. */
  factsOf(filter: ChangeFilter): Promise<Fact[] | null> {
    const key = JSON.stringify(filter);
    const found = this.facts.get(key) ?? this.loadFacts(filter);
    this.facts.set(key, found);
    return found;
  }

  /** What an owner's pods did: those whose names begin as it names them, and that name it as their owner. */
  podEvents(namespace: string, { name, uid }: OwnerReference): Promise<PodEvent[] | null> {
    const found = this.events.get(uid) ?? this.loadEvents(namespace, name, uid);
    this.events.set(uid, found);
    return found;
  }

  private async loadFacts(filter: ChangeFilter): Promise<Fact[] | null> {
    const rows = await this.realChanges(filter);
    if (rows === null) return null;
    const facts: Fact[] = [];
    for (const row of rows) facts.push(await this.fact(row));
    return facts;
  }

  private async loadEvents(namespace: string, name: string, uid: string): Promise<PodEvent[] | null> {
    // The API server cuts what it makes names from to 58 characters (names.SimpleNameGenerator).
    const namePrefix = `${name}-`.slice(0, 58);
    const rows = await this.realChanges({ type: { group: '', resource: 'pods' }, namespace, namePrefix });
    if (rows === null) return null;
    const owned = new Set<string>();
    const gone = new Set<string>();
    const events: PodEvent[] = [];
    for (const row of rows) {
      const { uid: pod } = row.object;
      const { patch } = row.detail();
      if (row.parent === null && row.effect === 'created') {
        const [operation] = patch;
        const body = operation !== undefined && 'value' in operation ? bodyOf(operation.value) : null;
        if (!ownersOf(body).some((owner) => owner.uid === uid)) continue;
        owned.add(pod);
        if (isMarked(body)) gone.add(pod);
        if (row.source !== 'baseline')
          events.push({ seq: row.seq, pod: row.object.name, came: true, actor: row.actor });
      } else if (owned.has(pod) && !gone.has(pod)) {
        const leaves = row.effect === 'deleted' || patch.some(({ path }) => path === '/metadata/deletionTimestamp');
        if (!leaves) continue;
        gone.add(pod);
        // The mark of an eviction is seen after its effects began: the request itself is when it was asked to go.
        const { cause } = row.detail();
        const request = row.actor === null && cause !== null ? await this.store.change(cause) : null;
        const { seq, actor } = request ?? row;
        events.push({ seq, pod: row.object.name, came: false, actor });
      }
    }
    return events.sort((a, b) => a.seq - b.seq);
  }

  private async realChanges(filter: ChangeFilter): Promise<StoredChange[] | null> {
    const rows = await this.store.changes(filter, MAX_CHANGES);
    if (rows.length === MAX_CHANGES) return null;
    return rows
      .filter(({ outcome, effect, statusOnly }) => outcome !== 'dropped' && effect !== 'none' && !statusOnly)
      .reverse();
  }
}

function bodyOf(value: Json): JsonObject | null {
  return isObject(value) ? value : null;
}
