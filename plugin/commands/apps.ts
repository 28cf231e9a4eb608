import type { Application } from '../../shared/landscape/applications.ts';
import { isWorkload } from '../../shared/landscape/units.ts';
import { formatUtc } from '../../shared/time.ts';
import type { ApplicationPage, Json, JsonObject, LedgerReader } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { applicationsTable, conflictLines, membersTable, objectPlace } from '../views/applications-table.ts';
import { document, list } from '../views/json.ts';
import { printable } from '../views/text.ts';
import { momentText } from '../views/times.ts';
import { unknownBelonging } from './belonging.ts';
import { momentOfFlag, requireCovered, type LandscapeFlags } from './landscape-flags.ts';
import { withMoments } from './moments.ts';
import { note, print, tellDenied, tellPartial } from './notes.ts';
import { readRules } from './rules-flags.ts';
import { knownTypes, withTypeNames } from './types.ts';

/** `kubectl blame apps [NAME]`: which applications run; with NAME, what belongs to one, and why. */
export async function apps(
  name: string | undefined,
  flags: LandscapeFlags,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  const at = momentOfFlag((await withMoments(flags, reader, io)).at, io);
  const rules = await readRules(flags, io);
  await requireCovered(at, reader);
  const page = await reader.applications({ at, ...rules, ...(name === undefined ? {} : { name }) });
  const { output = 'table' } = flags;
  const named = withTypeNames(io, await knownTypes(reader));
  if (name !== undefined) {
    const [application] = page.applications;
    if (application?.members === undefined) {
      const all = await reader.applications({ at, ...rules });
      throw unknownBelonging('application', name, all.applications.map((each) => each.name)); // prettier-ignore
    }
    if (output === 'table') tellMembers({ ...application, members: application.members }, at, named);
  } else if (output === 'table') {
    note(io, [`${page.applications.length} ${page.applications.length === 1 ? 'application' : 'applications'}`, momentText(at, io.style)].join(` ${io.style.dot} `)); // prettier-ignore
    if (page.applications.length > 0) print(io, applicationsTable(page.applications, io.style));
    tellRest(page, io);
  }
  if (output !== 'table') io.out(document(applicationList(page, at, name === undefined), output));
  if (page.rulesProblem !== '') note(io, `no rules apply: ${printable(page.rulesProblem)}`);
  tellDenied(new Set(page.denied), io);
  await tellPartial(at, at, reader, io);
}

function tellMembers(application: Application, at: number, io: Io): void {
  const { name, products, managers, teams, releases, exposed, members } = application;
  const told: [string, readonly string[]][] = [
    ['product', products],
    ['by', managers],
    ['teams', teams],
    ['release', releases],
    ['exposed', exposed],
  ];
  const parts = told.flatMap(([what, values]) => (values.length === 0 ? [] : [`${what} ${values.map((each) => printable(each)).join(' ')}`])); // prettier-ignore
  note(io, [printable(name), ...parts, momentText(at, io.style)].join(` ${io.style.dot} `));
  // What others control is as they are; only what disagrees is worth a line.
  const shown = members.filter(({ application: said }) => !said.by.startsWith('owner ') || said.conflicts.length > 0);
  print(io, membersTable(shown, io.style));
  const folded = members.length - shown.length;
  if (folded > 0) note(io, `and ${folded} objects that these control: -o json`);
  for (const line of conflictLines(application, io.style)) note(io, line);
}

function tellRest({ none, shared }: ApplicationPage, io: Io): void {
  const workloads = none.filter((object) => isWorkload({ is: 'object', object, seen: true }));
  const others = none.length - workloads.length;
  if (workloads.length > 0) note(io, `no application: ${workloads.map(objectPlace).join(', ')}`);
  if (others > 0) note(io, `no application: ${others} objects that run nothing: -o json`);
  if (shared.length > 0) note(io, `used by several: ${shared.map(({ object, applications }) => `${objectPlace(object)} (${applications.map((each) => printable(each)).join(' ')})`).join(', ')}`); // prettier-ignore
}

function applicationList(
  { applications, none, shared, rulesProblem }: ApplicationPage,
  at: number,
  whole: boolean,
): JsonObject {
  // prettier-ignore
  const rest: JsonObject = whole ? { withoutApplication: none as unknown as Json, shared: shared as unknown as Json } : {}; // prettier-ignore
  return { ...list('ApplicationList', applications as unknown as Json[]), at: formatUtc(at), ...rest, ...(rulesProblem === '' ? {} : { rulesProblem }) }; // prettier-ignore
}
