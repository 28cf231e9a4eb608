import { canonicalJson, isObject, itemsOf } from '../../../shared/json.ts';
import { touchedEntries, type ManagedField } from '../../../shared/normalise.ts';
import type { Json, JsonObject, ObjectRef } from '../../../shared/types.ts';
import type { CoverageEvent } from '../../ledger/port/port.ts';
import type { WatchedResource } from '../../platform/kubernetes/discovery.ts';
import type { FactSink } from '../../platform/kubernetes/watch/reflector.ts';
import { readShown, type Shown } from '../../platform/kubernetes/watch/shown.ts';

const GROUP = 'admissionregistration.k8s.io';
const RESOURCE = 'validatingwebhookconfigurations';
/** The label that every namespace has. */
const NAMESPACE_NAME = 'kubernetes.io/metadata.name';
const OPERATIONS = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'];

/**
 * Looks at the webhook configuration that sends us reviews, as the watch shows it, and tells when it is gone, or no
 * longer sends everything to us, and which manager changed it, as its managedFields say.
 */
export class RegistrationWatch implements FactSink {
  private registered: boolean | null = null;
  /** Where it sends reviews to, since it was first right: canonical JSON. */
  private target = '';
  /** The namespaces that a configuration of somebody else leaves out by name. */
  private leftOut: ReadonlySet<string> = new Set();
  /** The webhooks of a configuration of somebody else that send everything here. */
  names: readonly string[] = [];
  private known: { uid: string; managedFields: readonly ManagedField[] } | null = null;

  constructor(
    private readonly name: string,
    private readonly tell: (event: CoverageEvent, detail: string) => Promise<void>,
    /** What is wrong with it, '' for nothing, as whoever made it knows best; without it, what can be told by looking. */
    private readonly judge?: (configuration: JsonObject) => string,
  ) {}

  /** Whether the configuration leaves out what is in a namespace. */
  leavesOut(namespace: string): boolean {
    return this.leftOut.has(namespace);
  }

  async observe(object: ObjectRef, shown: Shown): Promise<void> {
    if (!this.isOurs(object)) return;
    const seen = readShown(shown);
    const by = managersText(this.known?.managedFields ?? [], seen.managedFields);
    this.known = { uid: object.uid, managedFields: seen.managedFields };
    const fault = this.faultOf(seen.body);
    if (fault === '') await this.set(true, '');
    else await this.set(false, `webhook configuration ${this.name} ${fault}${by === '' ? '' : ` (changed by ${by})`}`);
  }

  async observeGone(object: ObjectRef): Promise<void> {
    if (this.isOurs(object)) await this.end('was deleted');
  }

  async observeList({ group, resource }: WatchedResource, uids: ReadonlySet<string>): Promise<void> {
    if (group !== GROUP || resource !== RESOURCE) return;
    if (this.known === null) await this.set(false, `there is no webhook configuration ${this.name}`);
    else if (!uids.has(this.known.uid)) await this.end('was deleted');
  }

  /** Who deletes it leaves no trace in it: who changed it last is all that it can tell. */
  private async end(what: string): Promise<void> {
    const by = managersText([], this.known?.managedFields ?? []);
    this.known = null;
    await this.set(false, `webhook configuration ${this.name} ${what}${by === '' ? '' : ` (last changed by ${by})`}`);
  }

  private isOurs({ group, resource, name }: ObjectRef): boolean {
    return group === GROUP && resource === RESOURCE && name === this.name;
  }

  /** What is wrong with it; '' where it sends everything to where it did before. */
  private faultOf(configuration: JsonObject): string {
    if (this.judge !== undefined) return this.judge(configuration);
    const complete = itemsOf(configuration.webhooks).filter(sendsEverything);
    this.leftOut = new Set(complete.flatMap(({ namespaceSelector }) => namesLeftOut(namespaceSelector)));
    if (complete.length === 0) return 'no longer sends everything';
    this.names = complete.flatMap(({ name }) => (typeof name === 'string' ? [name] : []));
    const targets = complete.map(({ clientConfig }) => targetOf(clientConfig));
    if (this.target === '') [this.target = ''] = targets;
    return targets.includes(this.target) ? '' : 'no longer calls this server';
  }

  private async set(registered: boolean, detail: string): Promise<void> {
    if (this.registered === registered) return;
    this.registered = registered;
    await this.tell(registered ? 'registered' : 'unregistered', detail);
  }
}

/**
 * The managers whose entries a change touched last. Whoever takes a field over also shrinks the entry of whom it was, at
 * times in the same second: a manager that was not there before is the one.
 */
function managersText(before: readonly ManagedField[], after: readonly ManagedField[]): string {
  const touched = touchedEntries(before, after).filter(({ manager }) => manager !== '');
  const newest = touched.reduce((latest, { time }) => (time > latest ? time : latest), '');
  const names = new Set(touched.filter(({ time }) => time === newest).map(({ manager }) => manager));
  const fresh = [...names].filter((name) => before.length > 0 && !before.some(({ manager }) => manager === name));
  return (fresh.length > 0 ? fresh : [...names]).join(', ');
}

/**
 * True where a webhook is called for every group, version, resource, subresource and operation. Whole namespaces may
 * be left out by name, as our own is: that is a decision, and stands in the configuration.
 */
function sendsEverything(webhook: JsonObject): boolean {
  const { rules, objectSelector, matchConditions, namespaceSelector } = webhook;
  return (
    itemsOf(rules).some(coversEverything) &&
    isEmpty(objectSelector) &&
    (!Array.isArray(matchConditions) || matchConditions.length === 0) &&
    leavesOutByNameOnly(namespaceSelector)
  );
}

function coversEverything({ apiGroups, apiVersions, operations, resources, scope }: JsonObject): boolean {
  const named = strings(operations);
  return (
    strings(apiGroups).includes('*') &&
    strings(apiVersions).includes('*') &&
    strings(resources).includes('*/*') &&
    (named.includes('*') || OPERATIONS.every((operation) => named.includes(operation))) &&
    (scope === undefined || scope === '*')
  );
}

function leavesOutByNameOnly(selector: Json | undefined): boolean {
  if (!isObject(selector)) return true;
  const { matchLabels, matchExpressions, ...others } = selector;
  return (
    isEmpty(matchLabels) &&
    isEmpty(others) &&
    itemsOf(matchExpressions).every(({ key, operator }) => key === NAMESPACE_NAME && operator === 'NotIn')
  );
}

function namesLeftOut(selector: Json | undefined): string[] {
  const expressions = isObject(selector) ? itemsOf(selector.matchExpressions) : [];
  return expressions.flatMap(({ values }) => strings(values));
}

/** The address without the CA, which is renewed now and then. */
function targetOf(clientConfig: Json | undefined): string {
  if (!isObject(clientConfig)) return '';
  const { caBundle: _, ...address } = clientConfig;
  return canonicalJson(address);
}

function isEmpty(value: Json | undefined): boolean {
  return !isObject(value) || Object.keys(value).length === 0;
}

function strings(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
