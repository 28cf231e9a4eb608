import type { Logger } from 'pino';
import { messageOf } from '../../../../shared/errors.ts';
import { isObject } from '../../../../shared/json.ts';
import { eventFacts } from '../../../../shared/events/event.ts';
import type { Redactor } from '../../../../shared/redact.ts';
import type { EventRetention, EventsTaken, ShownEvent } from '../../../ledger/port/events.ts';
import type { LedgerStore } from '../../../ledger/port/port.ts';

export interface EventIntakeOptions {
  store: Pick<LedgerStore, 'takeEvents'>;
  redactor: Redactor;
  /** What is kept, as of now. */
  retention: () => EventRetention;
  /** Told what became of each batch. */
  taken: (taken: EventsTaken) => void;
  log: Logger;
}

/** So long Events wait for others, to be written with them. */
const GATHER_MS = 1_000;
/** Those of a list wait less: nobody reads on before they are there. */
const SOON_MS = 10;
/** So many are written at once. */
const BATCH = 128;
/** How often old Events are given up where none come. */
const KEEP_MS = 10 * 60_000;

interface Waiting {
  shown: ShownEvent;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Writes Events in batches, one after another. Whoever gives them waits until they are durable, and holds only so many at once
 * (reflector.ts): so a storm takes neither memory nor a commit for each.
 */
export class EventIntake {
  private readonly waiting: Waiting[] = [];
  private timer: NodeJS.Timeout | undefined;
  private dueAt = Infinity;
  private writing: Promise<void> | null = null;
  private hurried = false;
  private readonly keeper: NodeJS.Timeout;

  constructor(private readonly options: EventIntakeOptions) {
    this.keeper = setInterval(() => void this.giveUpOld(), KEEP_MS);
    void this.giveUpOld();
  }

  /** Resolves when it is durable; rejects as the store does. `mayWait`: for a second, for others. */
  take(shown: ShownEvent, mayWait: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ shown: withoutSecrets(shown, this.options.redactor), resolve, reject });
      this.writeWithin(this.waiting.length >= BATCH ? 0 : mayWait ? GATHER_MS : SOON_MS);
    });
  }

  /** Writes what waits, at once. */
  hurry(): void {
    this.hurried = true;
    if (this.waiting.length > 0) this.writeWithin(0);
  }

  /** Resolves when all is written. */
  async close(): Promise<void> {
    clearInterval(this.keeper);
    this.hurry();
    while (this.writing !== null || this.waiting.length > 0) await (this.writing ?? this.write());
    clearTimeout(this.timer);
  }

  private writeWithin(ms: number): void {
    const at = performance.now() + ms;
    if (at >= this.dueAt) return;
    this.dueAt = at;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.write(), ms);
  }

  /** Never rejects. */
  private write(): Promise<void> {
    clearTimeout(this.timer);
    this.dueAt = Infinity;
    // The batch that is on its way goes on with the rest.
    this.writing ??= this.writeBatches().finally(() => {
      this.writing = null;
      if (this.waiting.length > 0) this.writeWithin(GATHER_MS);
    });
    return this.writing;
  }

  private async writeBatches(): Promise<void> {
    const { store, retention, taken } = this.options;
    do {
      const batch = this.waiting.splice(0, BATCH);
      try {
        taken(await store.takeEvents(batch.map(({ shown }) => shown), retention())); // prettier-ignore
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    } while (this.waiting.length >= BATCH || (this.hurried && this.waiting.length > 0));
    this.hurried = false;
  }

  private async giveUpOld(): Promise<void> {
    try {
      await this.options.store.takeEvents([], this.options.retention());
    } catch (error) {
      this.options.log.error({ reason: messageOf(error) }, 'old Events not given up');
    }
  }
}

const EVENTS = { group: '', resource: 'events' };

/** An Event as it is recorded: what rules redact, and passwords that a pattern finds in its message, are replaced. */
export function withoutSecrets(shown: ShownEvent, redactor: Redactor): ShownEvent {
  const { event } = shown;
  if (event === null) return shown;
  const { namespace, message } = eventFacts(event);
  const redacted = redactor.redact(event, EVENTS, null, namespace);
  // A message is text as the values of a ConfigMap are: what it quotes may be a password.
  const { data } = redactor.redactMatches({ apiVersion: 'v1', kind: 'ConfigMap', data: { message } }, namespace);
  const clean = isObject(data) ? data.message : message;
  const isSame = clean === undefined || clean === message;
  return { ...shown, event: isSame ? redacted : { ...redacted, message: clean } };
}
