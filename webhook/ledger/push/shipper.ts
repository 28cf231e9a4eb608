import { messageOf } from '../../../shared/errors.ts';
import type { CommitLines } from './commit-lines.ts';
import { NotNow, type Hub, type HubHead } from './hub-client.ts';

/** How often the ledger is looked at for what is new: what is recorded meanwhile goes in one push. */
const LOOK_MS = 1_000;
/** The pause after a failure doubles up to this, and is any part of it: many clusters must not come back at once. */
const MAX_PAUSE_MS = 5 * 60_000;
const FIRST_PAUSE_MS = 1_000;

/** Whether what is recorded reaches the hub. */
export type ShipState =
  /** It does. */
  | 'shipping'
  /** The hub does not answer, or asks for a pause. */
  | 'waiting'
  /** It will not take it: the reason says what somebody has to do. */
  | 'refused';

export interface ShipReport {
  state: ShipState;
  reason: string;
  /** What the hub holds for good: the last commit, and its time (ms); null until the hub has said so. */
  held: { commit: number; at: number } | null;
  /** Commits that it has not got. */
  behind: number;
}

export interface ShipperOptions {
  lines: CommitLines;
  /** Signed checkpoints, oldest first. */
  notes: () => readonly string[];
  hub: Hub;
  origin: string;
  /** Told when something has changed. */
  told: (report: ShipReport) => void;
  /** From 0 to 1. */
  random: () => number;
  /** Resolves after so many ms, or rejects where it is to end. */
  sleep: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

/** Nothing goes on until somebody has done something. */
class Stuck extends Error {}

/** Sends a ledger's commits to a hub: each once, in their order. The ledger is the buffer. */
export class Shipper {
  private head: HubHead | null = null;
  private last = '';

  constructor(private readonly options: ShipperOptions) {}

  /** Ships until the signal is given. Never rejects for what a hub does. */
  async run(signal: AbortSignal): Promise<void> {
    const { random, sleep } = this.options;
    for (let pause = FIRST_PAUSE_MS; !signal.aborted;) {
      let wait = LOOK_MS;
      try {
        while (await this.step(signal)) pause = FIRST_PAUSE_MS;
      } catch (error) {
        if (signal.aborted) return;
        this.head = null;
        this.report(error instanceof Stuck ? 'refused' : 'waiting', messageOf(error));
        const asked = error instanceof NotNow ? error.afterMs : null;
        wait = error instanceof Stuck ? MAX_PAUSE_MS : (asked ?? 0) + random() * pause;
        pause = Math.min(2 * pause, MAX_PAUSE_MS);
      }
      await sleep(wait, signal).catch(() => undefined);
    }
  }

  /** One push. False where there is nothing to send. */
  async step(signal: AbortSignal): Promise<boolean> {
    const { hub, lines, notes, origin } = this.options;
    const head = (this.head ??= await this.meet(signal));
    const push = lines.after(head.commit, notes(), head.signed);
    if (push === null) {
      this.report('shipping', '');
      return false;
    }
    const answer = await hub.push(origin, head.commit, push.lines, signal);
    if (answer.is === 'taken') {
      const signed = Math.max(head.signed, push.signed);
      this.head = { ...head, commit: answer.commit, hash: answer.hash, signed };
      this.report('shipping', '');
      return true;
    }
    if (answer.is !== 'conflict') throw new Stuck(answer.reason);
    // Another server has pushed the same, or an answer was lost.
    this.head = null;
    return true;
  }

  /** Asks where the hub stands, and makes sure that it has the same history. */
  private async meet(signal: AbortSignal): Promise<HubHead> {
    const { hub, lines, origin } = this.options;
    const head = await hub.head(signal);
    if (head.origin !== origin) throw new Stuck(`the token is that of ${head.origin}, and this ledger is ${origin}`);
    if (head.state !== 'active') throw new Stuck(head.reason);
    if (head.commit === 0 && lines.foldedThrough() === 0) return head;
    const own = lines.hashOf(head.commit);
    if (own?.toString('base64') === head.hash) return head;
    if (own === null && head.commit < lines.foldedThrough())
      throw new Stuck(
        `the hub has ${head.commit} commits, and this ledger was folded up to commit ${lines.foldedThrough()}`,
      );
    await this.tellFork(head, signal);
    const what = `the hub has ${head.commit} commits of this ledger, which has ${lines.lastCommit()}`;
    throw new Stuck(`${what}: it was restored from a backup; move it away to start a new one, and enrol that`);
  }

  /** Pushes the first commit that is not the hub's, so that the hub knows; nothing where all that is here is there too. */
  private async tellFork(head: HubHead, signal: AbortSignal): Promise<void> {
    const { hub, lines, origin } = this.options;
    const isSame = async (commit: number): Promise<boolean> =>
      commit === 0 || (await hub.hashOf(commit, signal)) === lines.hashOf(commit)?.toString('base64');
    let [same, other] = [lines.foldedThrough(), Math.min(head.commit, lines.lastCommit())];
    if (other <= same || (await isSame(other))) return;
    while (other - same > 1) {
      const middle = Math.floor((same + other) / 2);
      if (await isSame(middle)) same = middle;
      else other = middle;
    }
    const push = lines.after(same, [], 0);
    if (push === null) return;
    const answer = await hub.push(origin, same, push.lines, signal);
    if (answer.is === 'forked') throw new Stuck(answer.reason);
  }

  private report(state: ShipState, reason: string): void {
    const { lines, told } = this.options;
    const { head } = this;
    const held = head === null ? null : { commit: head.commit, at: lines.timeOf(head.commit) };
    const report: ShipReport = { state, reason, held, behind: lines.lastCommit() - (head?.commit ?? 0) };
    const text = JSON.stringify(report);
    if (text === this.last) return;
    this.last = text;
    told(report);
  }
}
