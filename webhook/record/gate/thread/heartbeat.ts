/** How often the thread looks whether it was held up. */
const BEAT_MS = 250;

/**
 * Notices that nobody answered: the process was stopped, its node frozen, or this thread busy for longer than the API server waits
 * for an answer. By the monotonic clock, which no change of the time moves.
 */
export class Heartbeat {
  private last: number;
  private readonly timer: NodeJS.Timeout;

  /** `patienceMs`: how long the API server waits. `stalled` is told how long it lasted (ms), when it is over. */
  constructor(
    private readonly patienceMs: number,
    private readonly stalled: (ms: number) => void,
    private readonly elapsed: () => number = () => performance.now(),
  ) {
    this.last = elapsed();
    this.timer = setInterval(() => this.beat(), BEAT_MS);
    this.timer.unref();
  }

  /** Looks how long it has been since the last time. */
  beat(): void {
    const now = this.elapsed();
    const late = now - this.last - BEAT_MS;
    this.last = now;
    if (late > this.patienceMs) this.stalled(late);
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
