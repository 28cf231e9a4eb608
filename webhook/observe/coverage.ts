import { isObject } from '../../shared/json.ts';
import type { Seen } from '../../shared/interpret.ts';
import type { JsonObject, ObjectRef } from '../../shared/types.ts';
import type { CoverageEvent } from '../store/port.ts';
import type { WatchedResource } from './discovery.ts';
import type { FactSink } from './reflector.ts';

const OPERATIONS = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'];

/**
 * Looks at the webhook configuration that sends us reviews, as the watch shows it, and tells when it is gone, or no
 * longer sends everything, and who is named by its managedFields.
 */
export class RegistrationWatch implements FactSink {
  private registered: boolean | null = null;
  private readonly uidsSeen = new Set<string>();

  constructor(
    private readonly name: string,
    private readonly tell: (event: CoverageEvent, detail: string) => Promise<void>,
  ) {}

  async observe(object: ObjectRef, seen: Seen): Promise<void> {
    if (!this.isOurs(object)) return;
    this.uidsSeen.add(object.uid);
    if (sendsEverything(seen.body)) return this.set(true, '');
    const managers = [...new Set(seen.managedFields.map(({ manager }) => manager))].filter((manager) => manager !== '');
    const by = managers.length === 0 ? '' : ` (its managers: ${managers.join(', ')})`;
    return this.set(false, `webhook configuration ${this.name} no longer sends everything${by}`);
  }

  async observeGone(object: ObjectRef): Promise<void> {
    if (this.isOurs(object)) await this.set(false, `webhook configuration ${this.name} was deleted`);
  }

  async observeList({ resource }: WatchedResource, uids: ReadonlySet<string>): Promise<void> {
    if (resource !== 'validatingwebhookconfigurations') return;
    if ([...this.uidsSeen].some((uid) => uids.has(uid))) return;
    await this.set(false, `there is no webhook configuration ${this.name}`);
  }

  private isOurs({ group, resource, name }: ObjectRef): boolean {
    return (
      group === 'admissionregistration.k8s.io' && resource === 'validatingwebhookconfigurations' && name === this.name
    );
  }

  private async set(registered: boolean, detail: string): Promise<void> {
    if (this.registered === registered) return;
    this.registered = registered;
    await this.tell(registered ? 'registered' : 'unregistered', detail);
  }
}

/** True where one of its webhooks has a rule for every group, version, resource, subresource and operation. */
function sendsEverything(configuration: JsonObject): boolean {
  return objects(configuration.webhooks).some((webhook) =>
    objects(webhook.rules).some((rule) => {
      const all = (key: string): boolean => Array.isArray(rule[key]) && rule[key].includes('*');
      const operations = Array.isArray(rule.operations) ? rule.operations : [];
      const resources = Array.isArray(rule.resources) ? rule.resources : [];
      return (
        all('apiGroups') &&
        all('apiVersions') &&
        resources.includes('*/*') &&
        (operations.includes('*') || OPERATIONS.every((operation) => operations.includes(operation)))
      );
    }),
  );
}

function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
