import { messageOf } from '../../../../shared/errors.ts';
import { originOf, type TreeHead } from '../../proof/checkpoint.ts';
import { MerkleTree } from '../../proof/merkle.ts';
import { Findings, type Part, type Report } from '../../proof/report.ts';
import { DISPUTED, GIVEN_UP, OUTCOMES } from '../../../../shared/types.ts';
import { OUTCOME_REASONS } from '../../port/port.ts';
import { firstLink, Link, type ChainedFold } from '../chain/chain.ts';
import { commitRows, END, LEDGER, newestFold, type CommitRows, type LedgerRow } from '../chain/chained-rows.ts';
import { isAsShortened } from '../fold/fold-range.ts';
import type { Sqlite } from '../database/open.ts';
import { remainsAsRecorded } from '../chain/remains.ts';
import { verifyEvents } from './verify-events.ts';
import { verifyFile, verifyReferences } from './verify-references.ts';
import { verifySkips } from './verify-skips.ts';
import { verifyEnds, verifyStates } from './verify-states.ts';

/** A checkpoint that was signed by a key that is trusted. */
export interface SignedHead extends TreeHead {
  /** Where it was found, and by which key it was signed. */
  from: string;
  key: string;
}

export interface VerifyOptions {
  checkpoints: readonly SignedHead[];
  /** Checkpoints that none of the keys signed. */
  unsigned: number;
  /** So many states are rebuilt besides each object's last one; Infinity rebuilds all. */
  samples: number;
  /** From 0 to 1. */
  random: () => number;
  /** Told how far it got: of `total` things of a part, so many. */
  progress?: (part: Part, done: number, total: number) => void;
}

/**
 * Verifies a ledger that is open for reading: derives the hash chain again over the bytes as stored, rebuilds states,
 * and checks that the checkpoints agree. Nothing is thrown for a ledger that is wrong: that is what the report is for.
 */
export async function verifyLedger(db: Sqlite, options: VerifyOptions): Promise<Report> {
  const findings = new Findings();
  const report: Report = {
    ...{ cluster: '', origin: '', firstAt: null, lastAt: null, horizon: null },
    ...{ commits: 0, changes: 0, shortened: 0, outcomes: 0, coverage: 0, lastStates: 0, otherStates: 0, events: 0 },
    checkpoints: { checked: 0, folded: 0, unsigned: options.unsigned, lastSize: 0, keys: [] },
    findings: findings.told,
    more: 0,
  };
  const attempt = async (part: Part, work: () => void | Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      // A page that SQLite cannot read, or a value that is none.
      findings.add(part, 'the file', messageOf(error));
    }
  };
  // One moment of a ledger that a server may be writing to.
  db.exec('BEGIN');
  try {
    await attempt('file', () => verifyFile(db, findings));
    await attempt('chain', () => verifyChain(db, report, findings, options));
    await attempt('references', () => verifyReferences(db, newestFold(db), findings));
    await attempt('objects', () => verifyStates(db, report, findings, options));
    await attempt('objects', () => verifyEnds(db, findings));
    await attempt('events', () => void (report.events = verifyEvents(db, findings)));
    await attempt('objects', () => verifySkips(db, newestFold(db)?.throughSeq ?? 0, findings));
  } finally {
    db.exec('ROLLBACK');
  }
  report.more = findings.more;
  return report;
}

function verifyChain(db: Sqlite, report: Report, findings: Findings, options: VerifyOptions): void {
  const ledgers = db.prepare(LEDGER).all() as LedgerRow[];
  const [ledger] = ledgers;
  if (ledger === undefined || ledgers.length > 1) {
    findings.add('chain', 'the ledger', `it has ${ledgers.length} rows of its own, not one`);
    return;
  }
  report.cluster = ledger.cluster;
  report.origin = originOf(ledger.cluster, ledger.id);
  const fold = newestFold(db);
  if (fold !== null) takeFold(db, fold, report, findings);
  const heads = new Heads(report, findings, options.checkpoints);
  const tree = fold === null ? MerkleTree.empty() : MerkleTree.from(fold.throughCommit, fold.tree);
  heads.reached(tree, fold !== null);
  const total = db.prepare('SELECT max(id) FROM commits').pluck().get() as number | null;
  let previous = fold?.chain ?? firstLink(ledger);
  let last = { id: fold?.throughCommit ?? 0, lastSeq: fold?.throughSeq ?? 0, at: 0 };
  for (const rows of commitRows(db, fold)) {
    for (const id of rows.stray) findings.add('chain', `commit ${id}`, 'there are rows of it, but it is not there');
    if (rows.commit.id === END) {
      for (const { seq } of rows.changes) findings.add('chain', `change ${seq}`, 'no commit holds it');
      break;
    }
    verifyCommit(rows, previous, last, rows.commit.id >= ledger.digestsFrom, findings);
    report.shortened += rows.shortenings.length;
    report.commits++;
    report.changes += rows.changes.length;
    report.outcomes += rows.outcomes.length;
    report.coverage += rows.coverage.length;
    for (const { at } of rows.changes) {
      report.firstAt ??= at;
      report.lastAt = at;
    }
    tree.add(rows.commit.hash);
    heads.reached(tree, false);
    previous = rows.commit.hash;
    last = rows.commit;
    if (report.commits % 1000 === 0) options.progress?.('chain', last.id, total ?? last.id);
  }
  heads.end(last.id);
}

function takeFold(db: Sqlite, fold: ChainedFold, report: Report, findings: Findings): void {
  const { throughCommit, throughSeq, horizonAt, removed } = fold;
  report.horizon = { at: horizonAt, throughSeq, throughCommit, removed };
  if (!remainsAsRecorded(db, fold)) {
    const where = `changes up to ${throughSeq}`;
    findings.add('chain', where, 'what a fold left of them is not what it recorded to have left');
  }
}

function placeOf({ commit, changes }: CommitRows): string {
  const [first, last] = [changes[0]?.seq, changes.at(-1)?.seq];
  if (first === undefined || last === undefined) return `commit ${commit.id}`;
  return `commit ${commit.id} (${first === last ? `change ${first}` : `changes ${first} to ${last}`})`;
}

function verifyCommit(
  rows: CommitRows,
  previous: Buffer,
  last: { id: number; lastSeq: number },
  digests: boolean,
  findings: Findings,
): void {
  const { commit, changes } = rows;
  if (commit.id !== last.id + 1) {
    findings.add('chain', `commit ${last.id + 1}`, `it is not there: commit ${commit.id} follows commit ${last.id}`);
  }
  const link = new Link(previous, commit.id, commit.at, commit.taken, digests);
  let expected = last.lastSeq + 1;
  for (const change of changes) {
    if (change.seq !== expected)
      findings.add('chain', `change ${expected}`, `it is not there, but change ${change.seq} is`);
    expected = change.seq + 1;
    link.change(change);
    if (!isAsShortened(change))
      findings.add(
        'chain',
        `change ${change.seq}`,
        'what was left of it when it was shortened is not what was recorded',
      );
    if (change.shortened !== null && !digests)
      findings.add('chain', `change ${change.seq}`, 'it was shortened, and its commit has its content, not a digest');
  }
  if (expected !== commit.lastSeq + 1) {
    findings.add(
      'chain',
      `change ${expected}`,
      `it is not there, but commit ${commit.id} holds changes up to ${commit.lastSeq}`,
    );
  }
  for (const outcome of rows.outcomes) {
    link.outcome(outcome);
    const [what, reason] = [OUTCOMES[outcome.outcome], OUTCOME_REASONS[outcome.reason]];
    // That nothing told of an attempt is not stored; that several users claim a version is.
    const known =
      reason !== undefined &&
      (what === 'unverified' ? reason === DISPUTED || reason === GIVEN_UP : what === 'committed' || what === 'dropped');
    if (!known) findings.add('outcomes', `change ${outcome.seq}`, 'its outcome is none that there is');
    if (outcome.seq > commit.lastSeq) findings.add('outcomes', `change ${outcome.seq}`, 'its outcome came before it');
  }
  for (const event of rows.coverage) link.coverage(event);
  for (const kind of rows.kinds) link.kind(kind);
  for (const fold of rows.folds) link.fold(fold);
  for (const shortening of rows.shortenings) link.shortening(shortening);
  if (!link.digest().equals(commit.hash)) {
    findings.add('chain', placeOf(rows), 'its hash is not that of its rows behind the commit before it');
  }
}

/** Compares the tree with checkpoints as it reaches their sizes. */
class Heads {
  private readonly waiting: SignedHead[];

  constructor(
    private readonly report: Report,
    private readonly findings: Findings,
    heads: readonly SignedHead[],
  ) {
    this.waiting = [...heads].sort((a, b) => b.size - a.size);
    report.checkpoints.keys = [...new Set(heads.map(({ key }) => key))];
  }

  reached(tree: MerkleTree, folded: boolean): void {
    for (let head = this.waiting.at(-1); head !== undefined && head.size <= tree.size; head = this.waiting.at(-1)) {
      this.waiting.pop();
      if (head.origin !== this.report.origin) {
        this.add(head, `it is of ${head.origin}, and this ledger is ${this.report.origin}`);
      } else if (head.size < tree.size && folded) this.report.checkpoints.folded++;
      else if (head.root.equals(tree.root())) {
        this.report.checkpoints.checked++;
        this.report.checkpoints.lastSize = head.size;
      } else this.add(head, `the first ${head.size} commits are not those that were signed`);
    }
  }

  /** `commits`: how many there are. */
  end(commits: number): void {
    for (const head of this.waiting) {
      this.add(head, `${head.size} commits were signed, and the ledger ends after ${commits}: its end was cut off`);
    }
  }

  private add(head: SignedHead, what: string): void {
    this.findings.add('checkpoints', `${head.from}, checkpoint of ${head.size} commits`, what);
  }
}
