import { KubeblameError } from '../../shared/errors.ts';
import type { LedgerReader } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { momentText } from '../views/times.ts';
import { showDifferences } from './differences.ts';
import { showHistory } from './history.ts';
import { showLines } from './lines.ts';
import { withMoments } from './moments.ts';
import { readRequest, type BlameFlags, type Question } from './request.ts';
import { select } from './scopes.ts';
import { showStates } from './states.ts';
import { asksForStory, showStory } from './story.ts';

/** `kubectl blame [TYPE [NAME...] | TYPE/NAME ...]`: answers, or rejects with a KubeblameError. */
export async function blame(words: readonly string[], flags: BlameFlags, reader: LedgerReader, io: Io): Promise<void> {
  const request = readRequest(await withMoments(flags, reader, io, words), io);
  const { question } = request;
  await requireCovered(question, reader, io);
  if (question.kind === 'lines' && request.lines.filenames.length > 0) {
    const { showManifests } = await import('./manifest.ts');
    return showManifests(words, question.at, request, reader, io);
  }
  const { selection, io: named } = await select(words, request, reader, io);
  if (question.kind === 'states') await showStates(selection, question.at, request, reader, named);
  else if (question.kind === 'lines') await showLines(selection, question.at, request, reader, named);
  else if (question.kind === 'differences') await showDifferences(selection, question, request, reader, named);
  else if (request.history.interactive) {
    const { browseChanges } = await import('./browse.ts');
    await browseChanges(selection, periodOf(question), request, reader, named);
  } else if (asksForStory(selection, request)) await showStory(selection, periodOf(question), request, reader, named);
  else await showHistory(selection, question, request, reader, named);
}

function periodOf({ since, until }: { since?: number; until?: number }): { since?: number; until?: number } {
  return { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
}

/** A moment before the first record has no answer, nor has one that is to come. */
async function requireCovered(question: Question, reader: LedgerReader, io: Io): Promise<void> {
  if (question.kind === 'history') return;
  await requireRecorded(question.kind === 'differences' ? question.from : question.at, reader, io);
}

/** Rejects with time-uncovered for a moment (ms) before the first record, or to come. */
export async function requireRecorded(asked: number, reader: LedgerReader, io: Io): Promise<void> {
  const { firstAt } = await reader.info();
  if (firstAt === null) {
    throw new KubeblameError(
      'time-uncovered',
      'the ledger is empty: nothing has been recorded yet',
      'see the README for how to send reviews to the server',
    );
  }
  if (asked > io.now) {
    throw new KubeblameError('time-uncovered', `${momentText(asked, io.style)} lies in the future`, 'ask for `now`');
  }
  if (asked >= firstAt) return;
  throw new KubeblameError(
    'time-uncovered',
    `${momentText(asked, io.style)} lies before the first record, of ${momentText(firstAt, io.style)}`,
    'ask for a later time',
  );
}
