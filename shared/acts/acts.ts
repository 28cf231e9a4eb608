import { isControlPlane, isMachine } from '../machines.ts';
import type { Actor, CauseLink, Change } from '../types.ts';
import { isKubelet } from './kubelet.ts';
import { verbOf } from './verb.ts';

/** What one user did with one program in one go, and what controllers did in consequence. */
export interface Act {
  /** Past tense: `applied`, `deleted`. */
  verb: string;
  /** null where nobody was seen: the first sight of objects, and what was found afterwards. */
  actor: Actor | null;
  manager: string;
  /** `person`: a person or a program of theirs. `robot`: a part of Kubernetes, whose changes nobody else explains. */
  kind: 'person' | 'robot' | 'nobody';
  /** Oldest first, at least one. */
  changes: Change[];
  /** Changes of controllers that follow from these, oldest first. */
  consequences: Change[];
  /** Where a controller acted for an act that is not among the changes: the change that it follows from. */
  behind: CauseLink | null;
  /** The act is whole once all changes from this time (ms) on are known. */
  wholeFrom: number;
}

/** The next request of one command follows within this time. */
const PAUSE_MS = 1500;
/** A drain asks again after five seconds where a disruption budget refused. */
const DRAIN_PAUSE_MS = 10_000;
/** What one controller does in a minute of the clock is one act, so that it does not depend on where reading began. */
const ROBOT_SPAN_MS = 60_000;
/**
 * So few requests of kubectl are one command only where they follow one another within this time: starting it takes
 * longer. Many are one act in either case.
 */
const FEW = 4;
const SAME_COMMAND_MS = 60;
/** No command lasts longer: reading goes no further back for the beginning of one. */
const MAX_ACT_MS = 5 * 60_000;

/** Groups changes (in any order, with their causes) into acts, newest first. */
export function actsOf(changes: readonly Change[]): Act[] {
  const grouping = new Grouping();
  for (const change of [...changes].sort((a, b) => a.seq - b.seq)) grouping.add(change);
  return grouping.acts.flatMap(commandsOf).sort((a, b) => firstSeq(b) - firstSeq(a));
}

/** The number by which an act is named: that of its first change. */
export function firstSeq({ changes }: Act): number {
  return changes[0]?.seq ?? 0;
}

export function startOf({ changes }: Act): number {
  return changes[0]?.at ?? 0;
}

interface Chain {
  act: Act;
  startedAt: number;
}

class Grouping {
  readonly acts: Act[] = [];
  private readonly actOf = new Map<number, Act>();
  private readonly chains = new Map<string, Chain>();
  /** The last chain of each person: a request of another kind ends it. */
  private readonly current = new Map<string, string>();

  add(change: Change): void {
    const { causes = [] } = change;
    const explained = causes.map(({ seq }) => this.actOf.get(seq)).find((act) => act !== undefined);
    if (explained !== undefined) {
      explained.consequences.push(change);
      this.actOf.set(change.seq, explained);
      return;
    }
    this.actOf.set(change.seq, this.join(change, causes.at(-1) ?? null));
  }

  private join(change: Change, behind: CauseLink | null): Act {
    const kind = kindOf(change);
    const verb = verbOf(change);
    const key = keyOf(change, kind, verb, behind);
    const chain = this.chains.get(key);
    const last = chain?.act.changes.at(-1);
    const robot = kind === 'robot' || verb === 'found' || behind !== null;
    const span = Math.floor(change.at / ROBOT_SPAN_MS) * ROBOT_SPAN_MS;
    const person = `${kind} ${change.actor?.username ?? ''}`;
    const interrupted = !robot && this.current.get(person) !== key;
    if (!robot) this.current.set(person, key);
    const follows =
      chain !== undefined &&
      last !== undefined &&
      !interrupted &&
      (robot ? last.at >= span : change.at - last.at <= pauseBefore(verb) && change.at - chain.startedAt < MAX_ACT_MS);
    if (follows && (robot || continues(chain.act, change, verb))) {
      chain.act.changes.push(change);
      chain.act.verb = verbTogether(chain.act.verb, verb);
      return chain.act;
    }
    const startedAt = follows ? chain.startedAt : change.at;
    const { actor, manager } = change;
    const wholeFrom = robot ? span : startedAt - pauseBefore(verb);
    const act: Act = { verb, actor, manager, kind, changes: [change], consequences: [], behind, wholeFrom };
    this.acts.push(act);
    this.chains.set(key, { act, startedAt });
    return act;
  }
}

function kindOf(change: Change): Act['kind'] {
  const { actor } = change;
  if (actor === null) return 'nobody';
  return isControlPlane(actor.username) || isKubelet(change) ? 'robot' : 'person';
}

/** What belongs to one act shares this. What several users do at the same time is not mixed. */
function keyOf(change: Change, kind: Act['kind'], verb: string, behind: CauseLink | null): string {
  const { actor, manager } = change;
  const user = kind === 'robot' && isKubelet(change) ? 'kubelet' : (actor?.username ?? '');
  if (behind !== null) return JSON.stringify(['behind', behind.seq, user]);
  if (kind === 'robot') return JSON.stringify(['robot', user, verb === 'scaled' ? 'scaled' : 'all']);
  return JSON.stringify([kind, user, manager, DRAIN.has(verb) ? 'drain' : WRITES.has(verb) ? 'wrote' : verb]);
}

const DRAIN = new Set(['cordoned', 'evicted']);
/** One run of a program creates some objects and updates others. */
const WRITES = new Set(['created', 'updated']);

function pauseBefore(verb: string): number {
  return verb === 'evicted' ? DRAIN_PAUSE_MS : PAUSE_MS;
}

/** A command touches each object once; but a deletion may be asked for twice, and ends what it has marked. */
function continues(act: Act, change: Change, verb: string): boolean {
  if (verb === 'cordoned' && act.changes.some(({ subresource }) => subresource === 'eviction')) return false;
  if (verb === 'evicted') return true;
  const before = act.changes.findLast((other) => isSameObject(other, change));
  return before === undefined || (verb === 'deleted' && before.effect !== 'deleted');
}

function isSameObject(a: Change, b: Change): boolean {
  const key = ({ object }: Change): string =>
    JSON.stringify([object.group, object.resource, object.namespace, object.name]);
  return key(a) === key(b);
}

function verbTogether(verb: string, next: string): string {
  if (verb === next) return verb;
  if ((verb === 'cordoned' && next === 'evicted') || verb === 'drained') return 'drained';
  return 'updated';
}

/** The commands that an act of a few requests of a person is of. */
function commandsOf(act: Act): Act[] {
  const { changes, verb, kind, actor, manager } = act;
  const objects = new Set(changes.map(({ object }) => `${object.resource} ${object.namespace}/${object.name}`));
  const single = !['applied', 'drained', 'evicted', 'found'].includes(verb);
  const typed = kind === 'person' && (manager.startsWith('kubectl') || !isMachine(actor?.username ?? ''));
  if (!single || !typed || objects.size < 2 || objects.size > FEW) return [act];
  const commands: Change[][] = [];
  for (const change of changes) {
    const last = commands.at(-1);
    const previous = last?.at(-1);
    const together =
      previous !== undefined && (change.at - previous.at <= SAME_COMMAND_MS || isSameObject(previous, change));
    if (together) last?.push(change);
    else commands.push([change]);
  }
  if (commands.length < 2) return [act];
  return commands.map((own) => {
    const seqs = new Set(own.map(({ seq }) => seq));
    const consequences = act.consequences.filter(({ causes = [] }) => causes.some(({ seq }) => seqs.has(seq)));
    return { ...act, verb: own.map(verbOf).reduce(verbTogether), changes: own, consequences };
  });
}
