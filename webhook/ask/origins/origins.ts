import { Belongings } from '../../../shared/landscape/belongings.ts';
import { deliveriesOf, type Delivery } from '../../../shared/landscape/evidence.ts';
import { factsOf } from '../../../shared/landscape/facts.ts';
import { helmRelease } from '../../../shared/origins/helm.ts';
import { recordedRulesIn } from '../../../shared/landscape/recorded-rules.ts';
import { RULES_CONFIG_MAP, type Rules } from '../../../shared/landscape/rules.ts';
import { revisionUrl, toolByRules } from '../../../shared/origins/rules.ts';
import { toolOf, toolOfManager } from '../../../shared/origins/tools.ts';
import type { Origin } from '../../../shared/origins/types.ts';
import type { JsonObject } from '../../../shared/types.ts';
import type { LedgerView, StoredChange } from '../../ledger/port/port.ts';
import type { States } from '../../ledger/port/states.ts';
import { argoOrigin, askedOrigin } from './tools/argo.ts';
import { fluxOrigin } from './tools/flux.ts';
import { helmOrigin, releaseOrigin } from './tools/helm.ts';
import { ToolRecords } from './tools/tool-records.ts';
import { takenBack } from './taken-back.ts';

/** What a tool's own objects tell about a change; the rest is the same for all tools. */
export type FoundOrigin = Pick<
  Origin,
  'namespace' | 'sources' | 'helmRevision' | 'mode' | 'startedBy' | 'startedByOf' | 'by' | 'certain' | 'why'
>;

/** Finds what stands behind changes that tools made. Made for one answer; remembers what it has looked up. */
export class Origins {
  /** What the tools wrote about themselves. */
  readonly records: ToolRecords;
  private readonly found = new Map<number, Promise<Origin | null>>();
  private rules: Promise<Rules> | null = null;

  constructor(
    private readonly store: LedgerView,
    private readonly states: States,
  ) {
    this.records = new ToolRecords(store, states);
  }

  /** What stands behind a change; null where no delivery tool made it. */
  of(change: StoredChange): Promise<Origin | null> {
    const found = this.found.get(change.seq) ?? this.find(change);
    this.found.set(change.seq, found);
    return found;
  }

  /** The delivery tool that made a change, also one that a rule of now names; null where it is none. */
  async toolOf(change: Parameters<typeof toolOf>[0]): Promise<string | null> {
    const known = toolOf(change);
    // Then no rule is read.
    if (known !== null || change.actor === null) return known;
    return toolByRules(change, (await this.rulesNow()).tools);
  }

  /** Of those whom this reader may read: whoever may not read the ConfigMap has none. */
  private rulesNow(): Promise<Rules> {
    const { namespace, name } = RULES_CONFIG_MAP;
    const filter = { type: { group: '', resource: 'configmaps' }, namespace, names: [name] };
    this.rules ??= this.records.newest(filter).then((body) => recordedRulesIn(body).rules);
    return this.rules;
  }

  private async find(change: StoredChange): Promise<Origin | null> {
    const origin = await this.findOrigin(change);
    if (origin === null || origin.sources.length === 0) return origin;
    const { revisions } = await this.rulesNow();
    if (revisions.length === 0) return origin;
    const sources = origin.sources.map((source) => {
      const url = revisionUrl(source, revisions);
      return url === '' ? source : { ...source, url };
    });
    return { ...origin, sources };
  }

  private async findOrigin(change: StoredChange): Promise<Origin | null> {
    if (change.effect === 'none' || change.statusOnly) return null;
    const tool = await this.toolOf(change);
    if (tool === null) return null;
    const { before, after } = await this.states.around(change);
    const body = after ?? before;
    const asked = tool === 'Argo CD' && after !== null ? askedOrigin(change, before, after) : null;
    if (asked !== null) return asked;
    const release = tool === 'Helm' && body !== null && change.object.resource === 'secrets' ? helmRelease(body) : null;
    if (release !== null) return { ...NOTHING, tool, ...releaseOrigin(change, release), takesBack: [] };
    const delivery = deliveryOf(change, body, tool);
    const origin: Origin = {
      ...{ tool, application: delivery?.name ?? '', namespace: delivery?.namespace ?? '', ...NOTHING },
      ...{ takesBack: [], why: delivery?.by ?? evidenceOf(change, tool) },
    };
    const found = delivery === null ? null : await this.byTool(change, body, delivery);
    if (found === null) return delivery === null && KNOWN_BY_OBJECT.has(tool) ? null : origin;
    const takesBack = tool === 'Helm' ? [] : await takenBack(this.store, this.states, this, change, before, after);
    return { ...origin, ...found, takesBack, why: `${delivery?.by}; ${found.why}` };
  }

  private byTool(change: StoredChange, body: JsonObject | null, delivery: Delivery): Promise<FoundOrigin | null> {
    switch (delivery.manager) {
      case 'Argo CD':
        return argoOrigin(change, delivery, this.records);
      case 'Flux':
        return fluxOrigin(change, body, delivery, this.records);
      case 'Helm':
        return helmOrigin(change, body, delivery, this.records);
    }
  }
}

/** How a tool is known that has written nothing about itself. */
function evidenceOf(change: StoredChange, tool: string): string {
  if (toolOf(change) !== tool) return 'a rule of kubeblame-rules';
  return toolOfManager(change.manager) === tool ? `field manager ${change.manager}` : 'its service account';
}

/** What these deliver says so itself: what does not, they write for themselves. */
const KNOWN_BY_OBJECT = new Set(['Argo CD', 'Flux']);

const NOTHING = {
  sources: [],
  helmRevision: null,
  mode: 'unknown',
  startedBy: '',
  startedByOf: '',
  by: null,
  certain: true,
} satisfies Partial<Origin>;

/** What brings an object, as it says itself. */
export function deliveriesIn(object: StoredChange['object'], body: JsonObject | null): Delivery[] {
  return body === null ? [] : deliveriesOf({ object, facts: factsOf(body) }, NONE_KNOWN);
}

const NONE_KNOWN = new Belongings([]);

/** Which of the tools that an object names made the change; null where it names none of that kind. */
function deliveryOf(change: StoredChange, body: JsonObject | null, tool: string): Delivery | null {
  return deliveriesIn(change.object, body).find(({ manager }) => manager === tool) ?? null;
}
