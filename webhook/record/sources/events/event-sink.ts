import type { Logger } from 'pino';
import { messageOf } from '../../../../shared/errors.ts';
import { readEvent } from '../../../../shared/events/event.ts';
import { metadataOf } from '../../../../shared/normalise.ts';
import type { JsonObject, ObjectRef } from '../../../../shared/types.ts';
import type { FactSink } from '../../../platform/kubernetes/watch/reflector.ts';
import { readShown, type Shown } from '../../../platform/kubernetes/watch/shown.ts';
import type { EventIntake } from './event-intake.ts';

/** True of the type that Events are watched as: events.k8s.io has the same objects. */
export function isEvents({ group, resource }: { group: string; resource: string }): boolean {
  return group === '' && resource === 'events';
}

/** Takes what the list and the watch of Events show to the intake. */
export class EventSink implements FactSink {
  constructor(
    private readonly intake: EventIntake,
    private readonly log: Logger,
    private readonly now: () => number,
  ) {}

  async observe({ namespace, name, uid }: ObjectRef, shown: Shown, mayWait: boolean): Promise<void> {
    let event: JsonObject;
    try {
      const { body, resourceVersion } = readShown(shown);
      event = readEvent({ ...body, metadata: { ...metadataOf(body), resourceVersion } });
    } catch (error) {
      // One that cannot be read must not end the watch of all others.
      this.log.warn({ namespace, name, reason: messageOf(error) }, 'Event not recorded');
      return;
    }
    await this.intake.take({ uid, event, goneAt: null }, mayWait);
  }

  /** It has expired, or was deleted: it stays recorded. */
  observeGone({ uid }: ObjectRef): Promise<void> {
    return this.intake.take({ uid, event: null, goneAt: this.now() }, true);
  }

  hurry(): void {
    this.intake.hurry();
  }

  /** What is not in a list any more has expired meanwhile. */
  observeList(): Promise<void> {
    return Promise.resolve();
  }
}
