import { KubeblameError } from '../../shared/errors.ts';
import { allowed, type Allowed, type AskedPort } from '../../shared/landscape/allows.ts';
import { makersOf } from '../../shared/landscape/made-by.ts';
import type { ObjectFacts } from '../../shared/landscape/types.ts';
import { formatUtc } from '../../shared/time.ts';
import type { Json, JsonObject, LedgerReader, Setter } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { allowedTable, type JudgedPolicy } from '../views/allowed-table.ts';
import { document } from '../views/json.ts';
import { objectTitle } from '../views/object-name.ts';
import { printable } from '../views/text.ts';
import { momentText } from '../views/times.ts';
import { momentOf, type LandscapeFlags } from './landscape.ts';
import { note, print, tellDenied, tellGaps } from './notes.ts';
import { oneObject } from './one-object.ts';

export interface AllowsFlags extends LandscapeFlags {
  port?: string;
}

/** `kubectl blame allows FROM TO`: whether NetworkPolicies allowed connections between the pods of two workloads, and who said so. */
export async function allows(
  [from = '', to = '']: readonly string[],
  flags: AllowsFlags,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  const port = flags.port === undefined ? null : readPort(flags.port);
  const at = await momentOf(flags, reader, io);
  const { objects, denied = [] } = await reader.facts({ at });
  const [first, second] = [await endOf(from, objects, flags, reader, io), await endOf(to, objects, flags, reader, io)];
  const found = allowed(objects, first.each, second.each, port);
  const policies = await withMakers(found, at, reader);
  const { style } = first.io;
  const ends = `${objectTitle(first.each.object, style)} ${style.arrow} ${objectTitle(second.each.object, style)}`;
  const parts = [ends, ...(port === null ? [] : [`port ${printable(flags.port ?? '')}`]), VERDICTS[found.verdict], `as of ${momentText(at, style)}`]; // prettier-ignore
  note(io, parts.join(` ${style.dot} `));
  const { output = 'table' } = flags;
  if (output === 'json' || output === 'yaml')
    io.out(document(allowedDocument(found, policies, [first.each, second.each], at), output)); // prettier-ignore
  else if (policies.length > 0) print(io, allowedTable(policies, style));
  for (const direction of ['egress', 'ingress'] as const) {
    if (found[direction].policies.length > 0) continue;
    const self = objectTitle((direction === 'egress' ? first : second).each.object, style);
    // What one may not read looks like what does not exist, so it must not be called absent.
    const hidden = denied.includes('networkpolicies.networking.k8s.io');
    note(io, `${direction}: ${hidden ? 'no policy that you may read' : 'no policy'} selects ${self}`);
  }
  tellDenied(new Set(denied), io);
  await tellGaps(at, at, reader, io);
  note(io, 'this is what NetworkPolicies say; whether the network enforces them is not recorded');
}

const VERDICTS = { yes: 'allowed', no: 'not allowed', perhaps: 'perhaps: a rule names addresses' };

/** `8443`, `metrics`, `53/UDP`. Throws usage-invalid. */
function readPort(text: string): AskedPort {
  const match = /^(\d{1,5}|[a-z][-a-z0-9]{0,62})(?:\/(tcp|udp|sctp))?$/i.exec(text);
  const number = Number(match?.[1]);
  if (match === null || number > 65_535 || number === 0) {
    throw new KubeblameError('usage-invalid', `--port: ${JSON.stringify(printable(text))} is no port`, 'write it as 8443, 53/UDP, or the name that the container gives it'); // prettier-ignore
  }
  return { port: Number.isNaN(number) ? (match[1] ?? '') : number, protocol: (match[2] ?? 'TCP').toUpperCase() };
}

/** One end: `TYPE/NAME`, or in another namespace `TYPE/NAMESPACE/NAME`. Rejects with usage-invalid or name-unknown. */
async function endOf(
  word: string,
  objects: readonly ObjectFacts[],
  flags: AllowsFlags,
  reader: LedgerReader,
  io: Io,
): Promise<{ each: ObjectFacts; io: Io }> {
  const [type = '', ...rest] = word.split('/');
  const [namespace, name] = rest.length === 2 ? rest : [flags.namespace, rest[0]];
  if (name === undefined || name === '' || rest.length > 2) throw new KubeblameError('usage-invalid', `${JSON.stringify(printable(word))} is not TYPE/NAME`, 'name both as TYPE/NAME, or TYPE/NAMESPACE/NAME'); // prettier-ignore
  const asked = { ...flags, ...(namespace === undefined ? {} : { namespace }) };
  const { named, io: own } = await oneObject([`${type}/${name}`], asked, reader, io);
  const { scope, title } = named;
  const each = objects.find(({ object }) => object.group === scope.type?.group && object.resource === scope.type.resource && object.namespace === scope.namespace && object.name === name); // prettier-ignore
  if (each === undefined) {
    await named.requireKnown();
    throw new KubeblameError('name-unknown', `${title} did not exist then`, 'ask for another moment with --at');
  }
  if (each.facts.podLabels !== undefined) return { each, io: own };
  throw new KubeblameError('usage-invalid', `${title} has no pods: NetworkPolicies are about pods`, 'name a workload or a pod'); // prettier-ignore
}

/** With who set the rules of each policy last. */
async function withMakers(found: Allowed, at: number, reader: LedgerReader): Promise<JudgedPolicy[]> {
  const judged: JudgedPolicy[] = [];
  for (const direction of ['egress', 'ingress'] as const) {
    for (const { object, verdict } of found[direction].policies) {
      // Without a rule for a direction, its types restrict it.
      const makers = await makersOf(reader, object, [`spec.${direction}`, 'spec.policyTypes', 'spec.podSelector'], at);
      const maker = makers.find((setter): setter is Setter => setter !== null) ?? null;
      judged.push({ direction, object, verdict, maker });
    }
  }
  return judged;
}

function allowedDocument(
  { verdict, egress, ingress }: Allowed,
  policies: readonly JudgedPolicy[],
  [from, to]: readonly ObjectFacts[],
  at: number,
): JsonObject {
  const items = policies.map(({ direction, object, verdict: says, maker }) => ({
    ...{ direction, object, verdict: says },
    by: maker === null ? null : { seq: maker.seq, at: formatUtc(maker.at), actor: maker.actor, manager: maker.manager, source: maker.source }, // prettier-ignore
  }));
  const content = {
    ...{ at: formatUtc(at), from: from?.object, to: to?.object, verdict },
    ...{ egress: egress.verdict, ingress: ingress.verdict, policies: items },
  };
  return { apiVersion: 'kubeblame.io/v1alpha1', kind: 'Allowed', ...(content as unknown as Record<string, Json>) };
}
