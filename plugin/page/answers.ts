import { QUESTION_NAMES, questionOf, type QuestionName } from '../../shared/questions/table.ts';
import { ROUTES } from '../../shared/api.ts';
import { KubeblameError } from '../../shared/errors.ts';
import { releasesOf } from '../../shared/landscape/releases.ts';
import { codec, flag, integer, moment, text, type Codec } from '../../shared/questions/parameters.ts';
import { scope } from '../../shared/questions/scope.ts';
import type { Json, LedgerReader, ObjectBlame, ObjectRef } from '../../shared/types.ts';
import { StoryReader } from '../commands/load-story.ts';
import type { Io } from '../io.ts';
import { objectsOf } from '../views/deed.ts';
import { annotatedLines } from '../views/annotated-lines.ts';
import { behind, changeWho, wholeWho } from '../views/who.ts';
import { changeWords } from '../views/words.ts';
import { diffPage } from './diff.ts';
import type { PageAnswer } from './server.ts';
import { actLine, changesOfWindow, PAGE, PLAIN, snapshotOf, whoKind } from './window.ts';
import type { PageLine, StoryPage, UndoPage } from './wire.ts';

/** Acts that a list of them has at first. */
const ACTS = 40;
/** Refused requests that are told. */
const REFUSED = 200;

/** What the page asks: the questions of the read API under their own paths, and under `/page/` what is put together for it. */
export function pageAnswers(reader: LedgerReader, io: Io, now: () => number = Date.now): PageAnswer {
  const own = ownAnswers(reader, io, now);
  return (path, query, gone) => {
    const name = QUESTION_NAMES.find((each) => ROUTES[each] === path);
    if (name !== undefined) return ask(reader, name, query);
    return (Object.hasOwn(own, path) ? own[path] : undefined)?.(query, gone) ?? null;
  };
}

async function ask<Name extends QuestionName>(reader: LedgerReader, name: Name, query: URLSearchParams): Promise<Json> {
  const asked = questionOf(name).codec.decode(query);
  return (await (reader[name] as (query: unknown) => Promise<unknown>)(asked)) as Json;
}

type Own = (query: URLSearchParams, gone: AbortSignal) => Promise<Json>;

function answerTo<Q>(codec: Codec<Q>, answer: (query: Q) => Promise<unknown>): Own {
  return async (query) => (await answer(codec.decode(query))) as Json;
}

const AT = moment('at', 'The time.');
const PERIOD = { since: integer('since', 'Not before, ms.'), until: integer('until', 'Not after, ms.') };

function ownAnswers(reader: LedgerReader, io: Io, now: () => number): Record<string, Own> {
  return {
    '/page/snapshot': answerTo(codec({ at: integer('at', 'The time; otherwise now.') }), ({ at }) => snapshotOf(reader, at ?? null, now())), // prettier-ignore
    '/page/changes': answerTo(
      codec({ ...PERIOD, before: integer('before', 'Only smaller numbers.'), after: integer('after', 'To follow.'), waitMs: integer('waitMs', 'How long.') }), // prettier-ignore
      (query) => changesOfWindow(reader, { ...query, limit: PAGE }),
    ),
    '/page/story': answerTo(codec({ scope, ...PERIOD, user: text('user', 'Only of this user.'), limit: integer('limit', 'Acts.') }), async (query) => storyOf(reader, query)), // prettier-ignore
    '/page/lines': answerTo(codec({ scope, at: AT, uid: text('uid', 'The incarnation.') }), (query) => linesOf(reader, query)), // prettier-ignore
    '/page/diff': answerTo(
      codec({ scope, from: moment('from', 'Earlier.'), to: moment('to', 'Later.') }),
      async ({ scope, from, to }) => {
        // prettier-ignore
        const [difference] = (await reader.differences({ scope, from, to, limit: 1 })).differences;
        return diffPage(difference?.before ?? null, difference?.after ?? null, difference?.users ?? []);
      },
    ),
    '/page/change': answerTo(codec({ seq: moment('seq', 'Its number.') }), ({ seq }) => changePage(reader, seq)),
    '/page/undo': answerTo(codec({ seq: moment('seq', 'Its number.') }), ({ seq }) => undoOf(reader, io, now, seq)),
    '/page/releases': answerTo(
      codec({ application: text('application', 'Its name.'), ...PERIOD }),
      async ({ application = '', since, until }) => {
        // prettier-ignore
        const to = until ?? now();
        const from = since ?? (await reader.info()).firstAt ?? to;
        const { workloads, denied } = await releasesOf(reader, { application, from, to, rules: {}, now: now() });
        return { denied, workloads: workloads.map(({ object, intervals }) => ({ object, intervals: intervals.map(({ by, ...rest }) => ({ ...rest, seq: by?.seq ?? null, who: by === null ? '' : changeWho(by, PLAIN) })) })) }; // prettier-ignore
      },
    ),
    '/page/denied': answerTo(codec({ ...PERIOD, status: flag('status', 'Also of status.') }), async (period) => {
      const { changes, next } = await reader.changes({ scope: {}, refused: true, status: true, limit: REFUSED, ...period }); // prettier-ignore
      return { more: next !== null, rows: changes.map((change) => ({ seq: change.seq, at: change.at, who: changeWho(change, PLAIN), kind: whoKind(change), object: change.object, operation: change.operation, reason: change.audit?.message ?? change.outcomeReason })) }; // prettier-ignore
    }),
  };
}

async function storyOf(
  reader: LedgerReader,
  { scope, user, limit = ACTS, ...period }: { scope: Parameters<typeof reader.changes>[0]['scope']; user?: string; limit?: number; since?: number; until?: number }, // prettier-ignore
): Promise<StoryPage> {
  const query = { bodies: false, causes: true, folded: true, ...(user === undefined ? {} : { users: [user] }) };
  const asked = { scopes: [scope], period, query, filtered: user !== undefined, wanted: () => true };
  const { acts, more, denied } = await new StoryReader(asked, reader, {}).load(limit);
  return { acts: acts.map((act) => ({ ...actLine(act), objects: objectsOf(act) })), more, denied: [...denied] };
}

/** Incarnations of one name at a moment. */
const INCARNATIONS = 5;

async function linesOf(
  reader: LedgerReader,
  { scope, at, uid }: { scope: Parameters<typeof reader.blame>[0]['scope']; at: number; uid?: string },
): Promise<{ object: ObjectRef | null; lines: PageLine[] }> {
  const { blames } = await reader.blame({ scope, at, limit: INCARNATIONS, humans: true });
  const blame: ObjectBlame | undefined = blames.find(({ object }) => object.uid === uid) ?? blames[0];
  if (blame === undefined) return { object: null, lines: [] };
  const lines = annotatedLines(blame).map(({ text, sign, owner, setter }): PageLine => {
    const person = setter === null ? null : behind(setter);
    const isOlder = setter?.source === 'baseline' && setter.operation === 'CREATE';
    return {
      text,
      sign,
      seq: owner.seq,
      at: isOlder ? 0 : (setter?.at ?? 0),
      who: setter === null ? '' : isOlder ? 'before the record' : (person?.actor?.username ?? changeWho(setter, PLAIN)),
      whole: setter === null || isOlder ? '' : wholeWho(setter, PLAIN),
      kind: setter === null || isOlder ? 'nobody' : whoKind(person ?? setter),
    };
  });
  return { object: blame.object, lines };
}

/** A change with all its words, and its diff. */
async function changePage(reader: LedgerReader, seq: number): Promise<unknown> {
  const [change] = (await reader.changes({ scope: {}, seqs: [seq], bodies: true, causes: true, status: true, attempts: true, limit: 1 })).changes; // prettier-ignore
  if (change === undefined) throw new KubeblameError('query-invalid', `there is no change ${seq}`);
  const { before = null, after = null, at, object, effect, outcome, operation, subresource, manager } = change;
  return {
    ...{ seq, at, object, effect, outcome, operation, subresource, manager, kind: whoKind(change) },
    who: wholeWho(change, PLAIN),
    words: changeWords(change, { width: null, lines: null }, PLAIN),
    causes: (change.causes ?? []).map(({ seq, actor, object, why, certain }) => ({ seq, who: actor?.username ?? '', object, why, certain })), // prettier-ignore
    diff: diffPage(before, after, []),
  };
}

async function undoOf(reader: LedgerReader, io: Io, now: () => number, seq: number): Promise<UndoPage> {
  let [out, notes] = ['', ''];
  const captured: Io = { ...io, style: PLAIN, now: now(), out: (text) => void (out += text), err: (text) => void (notes += text), progress: () => undefined, live: () => undefined }; // prettier-ignore
  const { undoChanges } = await import('../commands/undo.ts');
  try {
    await undoChanges([String(seq)], {}, reader, captured);
  } catch (error) {
    if (!(error instanceof KubeblameError)) throw error;
    notes += `${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}\n`;
  }
  const into = /pipe it into: (.*)$/m.exec(notes)?.[1] ?? null;
  return { text: out, notes: notes.replaceAll(/^# /gm, ''), command: into === null ? '' : `kubectl blame undo ${seq} | ${into}` }; // prettier-ignore
}
