import { LRUCache } from 'lru-cache';
import { factsOf, isNode, readsStatus } from '../../../../shared/landscape/facts.ts';
import type { Patch } from '../../../../shared/types.ts';
import { believed, type Version } from '../../../../shared/versions.ts';
import { patchOf } from '../../../ledger/content/payload.ts';
import type { StoredObject } from '../../../ledger/port/port.ts';
import { decodeFacts, outcomeOf } from '../../../ledger/sqlite/database/codes.ts';
import { Lineages } from '../../../ledger/sqlite/read/lineage.ts';
import { Names } from '../../../ledger/sqlite/read/names.ts';
import type { Sqlite } from '../../../ledger/sqlite/database/open.ts';
import { Rows } from '../../../ledger/sqlite/read/read.ts';
import { Statements } from '../../../ledger/sqlite/database/statements.ts';
import type { FactSets } from './fact-sets.ts';
import type { Turn } from './fact-log.ts';

interface VersionRow {
  seq: number;
  kind: number;
  parent: number | null;
  outcome: number | null;
}

const NEW_VERSIONS = `SELECT c.seq, c.kind, c.parent,
  (SELECT outcome FROM outcomes WHERE seq = c.seq ORDER BY n DESC LIMIT 1) AS outcome
  FROM changes c WHERE c.object_id = ? AND c.seq >= ? AND c.seq <= ? ORDER BY c.seq`;

const STEP = `SELECT kind, parent, detail,
  (SELECT amendment FROM outcomes WHERE seq = c.seq AND amendment IS NOT NULL) AS amendment FROM changes c WHERE seq = ?`;

/** Versions of an object whose facts are remembered, and objects of which they are. */
const REMEMBERED = { versions: 50, objects: 5_000 };

/** How far back facts are looked for before a body is rebuilt. */
const MAX_STEPS = 20;

/** Tells when an object had which facts, by what its ledger believes at each of its changes. */
export class Timelines {
  private readonly statements: Statements;
  private readonly names: Names;
  private readonly rows: Rows;
  private readonly lineages: Lineages;
  /** Of objects the facts of their last versions. */
  private readonly known = new LRUCache<number, Map<number, number>>({ max: REMEMBERED.objects });

  constructor(
    ledger: Sqlite,
    private readonly sets: FactSets,
  ) {
    this.statements = new Statements(ledger);
    this.names = new Names(this.statements);
    this.rows = new Rows(this.statements, this.names);
    this.lineages = new Lineages(this.statements, this.names);
  }

  object(id: number): StoredObject {
    return this.names.object(id);
  }

  /** After ids or changes were removed from the ledger, or numbers of facts taken back. */
  forget(): void {
    this.names.forget();
    this.known.clear();
  }

  /**
   * What an object was from a change on, up to another; `before`: what it was until then. What was known of changes from there on is told
   * anew: an outcome may have come with an amendment.
   */
  turns(objectId: number, from: number, to: number, before: Turn): Turn[] {
    const object = this.object(objectId);
    if (!isNode(object)) return [];
    const known = this.knownOf(objectId);
    for (const seq of known.keys()) if (seq >= from) known.delete(seq);
    const turns: Turn[] = [];
    let versions: Version[] = this.rows.versions(objectId, from - 1);
    let last = before;
    for (const row of this.statements.all<VersionRow>(NEW_VERSIONS, objectId, from, to)) {
      const version = versionOf(row);
      if (version.effect === 'none') continue;
      versions = version.outcome === 'committed' && !version.late ? [version] : [version, ...versions];
      const now = believed(versions);
      const set = now === null || now.effect === 'deleted' ? null : this.setOf(now.seq, object, known);
      const confirmed = set !== null && versions.some(({ outcome, late }) => outcome === 'committed' && !late);
      if (last.set === set && last.confirmed === confirmed) continue;
      last = { seq: version.seq, set, confirmed };
      turns.push(last);
    }
    return turns;
  }

  private knownOf(objectId: number): Map<number, number> {
    const known = this.known.get(objectId) ?? new Map<number, number>();
    this.known.set(objectId, known);
    return known;
  }

  /** The number of the facts after a change: those of the change before it, where it touches nothing that they follow from. */
  private setOf(seq: number, object: StoredObject, known: Map<number, number>): number {
    const passed = [seq];
    let set: number | undefined;
    for (let at = seq; passed.length <= MAX_STEPS;) {
      set = known.get(at);
      if (set !== undefined) break;
      const row = this.statements.get<{ kind: number; parent: number | null; detail: Buffer; amendment: Buffer | null }>(STEP, at); // prettier-ignore
      if (row === null || row.parent === null || row.parent >= at || this.mayChangeFacts(row, object)) break;
      at = row.parent;
      passed.push(at);
    }
    // All that were passed have the facts of the last of them.
    set ??= this.sets.idOf(factsOf(this.lineages.body(passed.at(-1) ?? seq) ?? {}));
    for (const each of passed) known.set(each, set);
    for (const oldest of known.keys()) if (known.size > REMEMBERED.versions) known.delete(oldest);
    return set;
  }

  private mayChangeFacts(
    row: { kind: number; detail: Buffer; amendment: Buffer | null },
    object: StoredObject,
  ): boolean {
    const status = readsStatus(object);
    if (!status && row.amendment === null && decodeFacts(row.kind).statusOnly) return false;
    return patchMayChangeFacts(patchOf(row), status);
  }
}

function versionOf({ seq, kind, parent, outcome }: VersionRow): Version {
  const { effect, late, source } = decodeFacts(kind);
  return { seq, parent, effect, late, outcome: outcomeOf(outcome, source) };
}

/** What no facts follow from. */
const SAYS_NOTHING = /^\/(?:status(?:\/|$)|metadata\/(?:generation|deletionTimestamp|deletionGracePeriodSeconds|finalizers(?:\/|$))|spec\/replicas$)/; // prettier-ignore

/** False where a patch surely touches nothing that facts follow from. */
function patchMayChangeFacts(patch: Patch, readsStatus: boolean): boolean {
  const paths = patch.flatMap((operation) =>
    'from' in operation ? [operation.from, operation.path] : [operation.path],
  );
  return paths.some((path) => !SAYS_NOTHING.test(path) || (readsStatus && path.startsWith('/status')));
}
