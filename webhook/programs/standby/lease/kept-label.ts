import type { Logger } from 'pino';
import { messageOf } from '../../../../shared/errors.ts';
import type { PodLabel } from './pod-label.ts';

/** How often to check that the pod still has its label. */
const CHECK_MS = 5_000;

/** Keeps the label of the own pod in place while it answers reviews, and remembers what is wrong with it. */
export class KeptLabel {
  /** Why the label could not be set at the last try; '' where it was. */
  complaint = '';
  private setAt = 0;

  constructor(
    private readonly label: Pick<PodLabel, 'keep' | 'remove'>,
    private readonly log: Pick<Logger, 'warn'>,
  ) {}

  /** Whether the label has been set since this process started. */
  get wasSet(): boolean {
    return this.setAt !== 0;
  }

  /** Whether it is time to check the label again. */
  get isDue(): boolean {
    return performance.now() - this.setAt > CHECK_MS;
  }

  /** Sets the label where it is missing. Never rejects; logs a failure once, not at each try. */
  async keep(signal: AbortSignal): Promise<void> {
    try {
      await this.label.keep(signal);
      this.setAt = performance.now();
      this.complaint = '';
    } catch (error) {
      const reason = `the pod is not labelled, and the Service does not send reviews to it: ${messageOf(error)}`;
      if (reason !== this.complaint) this.log.warn({ reason }, 'lease');
      this.complaint = reason;
    }
  }

  /** Removes the label. Never rejects; returns what went wrong, '' for nothing. */
  async remove(signal: AbortSignal): Promise<string> {
    try {
      await this.label.remove(signal);
      return '';
    } catch (error) {
      return messageOf(error);
    }
  }
}
