import { formatAge } from '../../../shared/time.ts';
import { JUMP_MS, monotonic, type Clock } from './clock.ts';

/** A jump that nothing contradicts is followed after so long: a virtual machine that slept, or a clock that was corrected. */
const CONFIRM_MS = 10 * 60_000;
/** So long what the API server said of the time holds. */
const WITNESS_MS = 30 * 60_000;
/** Without an API server, a time is trusted for folding when it has gone on for so long, or is so near to the newest record. */
const TRUSTED_AFTER_MS = 24 * 60 * 60_000;
const LOOK_MS = 1_000;

export interface ClockWatchOptions {
  clock: Clock;
  /** Told of what happens to the clock, in words. */
  tell: (detail: string) => void;
  /** The newest record before this process began (ms); null in an empty ledger. */
  newestAt: number | null;
  /** ms of a clock that only goes forward; given by tests. */
  elapsed?: () => number;
}

/**
 * Decides when a jump of the machine's clock is followed, and tells of it. A time too early can be corrected later; one too late
 * cannot be, because the ledger's times never fall, and what was folded by it is gone. So a jump is held until the API
 * server's clock agrees with it, or, where no API server contradicts it, until it has stood for ten minutes.
 */
export class ClockWatch {
  private held: { difference: number; since: number; contradicted: boolean } | null = null;
  /** What the API server said last: how far the time was ahead of its own, and when. */
  private witness: { ahead: number; at: number } | null = null;
  private witnessTold = false;
  /** Since when the time has gone on without a jump that nothing confirmed. */
  private steadySince: number;
  /** How far the time was ahead of the newest record then (ms). */
  private aheadAtStart = 0;
  /** A jump was followed, which may have been a false one. */
  private adopted = false;
  private readonly elapsed: () => number;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: ClockWatchOptions) {
    this.elapsed = options.elapsed ?? monotonic;
    this.steadySince = this.elapsed();
  }

  /**
   * From now on. `witnessed`: the API server's time (ms), where it was asked. Where the two differ, the earlier one is taken that is not
   * before the newest record.
   */
  start(witnessed: number | null): void {
    const { clock, newestAt, tell } = this.options;
    const wall = clock.wall();
    clock.follow();
    if (witnessed !== null && Math.abs(wall - witnessed) > JUMP_MS) {
      const earlier = Math.min(wall, witnessed);
      clock.startAt(earlier >= (newestAt ?? 0) ? earlier : Math.max(wall, witnessed));
      this.see(witnessed);
    }
    this.aheadAtStart = newestAt === null ? 0 : clock.now() - newestAt;
    if (this.aheadAtStart < -JUMP_MS) {
      const behind = -this.aheadAtStart;
      tell(
        `the clock is ${formatAge(behind)} behind the newest record: until it has come there, times go on at half speed`,
      );
    }
    this.look();
    this.timer = setInterval(() => this.look(), LOOK_MS);
    this.timer.unref();
  }

  close(): void {
    clearInterval(this.timer);
  }

  /** Looks at the machine's clock. */
  look(): void {
    const { clock, tell } = this.options;
    if (clock.isStanding) return;
    const difference = clock.difference();
    if (Math.abs(difference) <= JUMP_MS) {
      if (this.held !== null) tell('the clock is back: what it said meanwhile was not recorded');
      this.held = null;
      clock.follow();
      return;
    }
    const isSame = this.held !== null && Math.abs(difference - this.held.difference) <= JUMP_MS;
    if (this.held === null || !isSame) {
      this.held = { difference, since: this.elapsed(), contradicted: false };
      tell(`the clock jumped ${inWords(difference)}: times go on as before until it is known to be right`);
    } else if (!this.held.contradicted && this.elapsed() - this.held.since >= CONFIRM_MS) {
      this.steadySince = this.elapsed();
      this.adopt(`it has stood for ${formatAge(CONFIRM_MS)}`);
    }
  }

  /** The API server said, just now, that it is this time (ms). */
  see(date: number): void {
    const { clock, tell } = this.options;
    if (clock.isStanding) return;
    this.look();
    if (this.held !== null) {
      if (Math.abs(clock.wall() - date) <= JUMP_MS) this.adopt("the API server's clock agrees");
      else if (Math.abs(clock.now() - date) <= JUMP_MS) this.held.contradicted = true;
    }
    const ahead = clock.now() - date;
    this.witness = { ahead, at: this.elapsed() };
    const differs = Math.abs(ahead) > JUMP_MS;
    if (differs && !this.witnessTold) tell(`the clock is ${inWords(ahead)} of the API server's`);
    this.witnessTold = differs;
  }

  /** Why the time is not to be trusted with what cannot be undone, such as a fold; null where it is. */
  get doubt(): string | null {
    if (this.options.clock.isStanding) return null;
    this.look();
    const now = this.elapsed();
    if (this.held !== null) return `the clock jumped ${inWords(this.held.difference)}, and is not known to be right`;
    if (this.witness !== null && Math.abs(this.witness.ahead) > JUMP_MS) {
      return `the clock is ${inWords(this.witness.ahead)} of the API server's`;
    }
    if (this.witness !== null && now - this.witness.at <= WITNESS_MS) return null;
    if (now - this.steadySince >= TRUSTED_AFTER_MS) return null;
    if (this.aheadAtStart <= TRUSTED_AFTER_MS && !this.adopted) return null;
    return this.adopted
      ? 'the clock jumped, and no API server has said that it is right'
      : `the clock was ${formatAge(this.aheadAtStart)} ahead of the newest record at the start, and no API server has said that it is right`;
  }

  private adopt(why: string): void {
    const { clock, tell } = this.options;
    const { difference } = this.held ?? { difference: 0 };
    this.held = null;
    this.adopted = true;
    clock.follow();
    tell(`the clock's jump ${inWords(difference)} is followed: ${why}`);
  }
}

function inWords(difference: number): string {
  // To the nearest second: a day less a millisecond is a day.
  return `${formatAge(Math.round(Math.abs(difference) / 1000) * 1000)} ${difference > 0 ? 'ahead' : 'behind'}`;
}
