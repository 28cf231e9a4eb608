import type { KubeblameError } from '../../../shared/errors.ts';
import type { Page } from '../../record/gate/thread/gate-messages.ts';
import type { GateListener } from '../../record/gate/thread/gate.ts';
import { beginEpoch } from '../../record/spool/epochs.ts';
import { ledgerNumber } from '../../record/spool/records.ts';
import { spoolFolder } from '../../record/spool/segments.ts';
import { openSqliteReader } from '../../ledger/sqlite/store/store.ts';

/** What is to be known to answer reviews while another process still has the ledger. */
export interface Beside {
  cluster: string;
  /** The ledger's: ledgerNumber(). */
  ledger: number;
  /** Where our part of the spool is, the number of its first review, and that nothing was left in it. */
  folder: string;
  next: number;
  left: [];
  /** The time of its newest change (ms); null where it has none. */
  newestAt: number | null;
}

/** Throws the ledger-* errors, where the file cannot be read by this version too. */
export async function lookBeside(db: string): Promise<Beside> {
  const reader = openSqliteReader(db);
  try {
    const newestAt = (await reader.last())?.at ?? null;
    const { folder, first: next } = beginEpoch(spoolFolder(db), await reader.taken());
    return { cluster: reader.cluster, ledger: ledgerNumber(reader.id), folder, next, left: [], newestAt };
  } finally {
    await reader.close();
  }
}

/** Listens to the gate while the rest of the server is not there yet, and tells it afterwards. */
export class EarlyListener implements GateListener {
  private next: GateListener | null = null;
  private kept: ((listener: GateListener) => void)[] = [];

  /** From now on another one listens; it is told what there was. */
  passOn(next: GateListener): void {
    this.next = next;
    for (const tell of this.kept.splice(0)) tell(next);
  }

  spooled(): void {
    this.tell((next) => next.spooled());
  }

  answered(...told: Parameters<GateListener['answered']>): void {
    this.tell((next) => next.answered(...told));
  }

  lost(error: unknown, uid: string): void {
    this.tell((next) => next.lost(error, uid));
  }

  refused(error: KubeblameError): void {
    this.tell((next) => next.refused(error));
  }

  turnedAway(...told: Parameters<GateListener['turnedAway']>): void {
    this.tell((next) => next.turnedAway(...told));
  }

  stalled(ms: number, to: number): void {
    this.tell((next) => next.stalled(ms, to));
  }

  page(method: string, path: string): Promise<Page> {
    if (this.next !== null) return this.next.page(method, path);
    const page = (status: number, text: string): Promise<Page> =>
      Promise.resolve({ status, type: 'text/plain; charset=utf-8', text });
    if (path === '/livez') return page(200, 'ok\n');
    if (path === '/readyz') return page(200, '[+]serving ok\n[!]ledger: about to be opened\n');
    return page(503, 'taking over\n');
  }

  private tell(what: (listener: GateListener) => void): void {
    if (this.next === null) this.kept.push(what);
    else what(this.next);
  }
}
