import type { NamedType } from '../built-in-types.ts';
import { applications } from './applications.ts';
import { blame } from './blame.ts';
import { changes } from './changes.ts';
import { differences } from './differences.ts';
import { events } from './events.ts';
import { facts, graph, impact } from './graph.ts';
import { coverage, info, objects, resources } from './ledger.ts';
import { manual } from './manual.ts';
import type { Question } from './question.ts';
import { states } from './states.ts';
import { users } from './users.ts';

/*
 * What can be asked of a ledger, and the answers. Times are milliseconds since the Unix epoch, UTC.
 */
export type * from './applications.ts';
export type * from './blame.ts';
export type * from './changes.ts';
export type * from './differences.ts';
export type * from './events.ts';
export type * from './graph.ts';
export type * from './ledger.ts';
export type * from './manual.ts';
export type * from './scope.ts';
export type * from './states.ts';
export type * from './users.ts';

/** All questions: the only list of them (docs/decisions/0063). Their answers are in webhook/ask/questions/answers.ts. */
export const QUESTIONS = {
  info,
  resources,
  objects,
  changes,
  users,
  states,
  differences,
  blame,
  graph,
  impact,
  applications,
  facts,
  manual,
  events,
  coverage,
};

export type QuestionName = keyof typeof QUESTIONS;
export const QUESTION_NAMES = Object.keys(QUESTIONS) as QuestionName[];

export type QueryOf<Name extends QuestionName> =
  (typeof QUESTIONS)[Name] extends Question<infer Query, infer _Answer> ? Query : never;
export type AnswerOf<Name extends QuestionName> =
  (typeof QUESTIONS)[Name] extends Question<infer _Query, infer Answer> ? Answer : never;

/** A question of the table, where it is only known by its name. */
export function questionOf<Name extends QuestionName>(name: Name): Question<QueryOf<Name>, AnswerOf<Name>> {
  return QUESTIONS[name] as unknown as Question<QueryOf<Name>, AnswerOf<Name>>;
}

/** Asks any question. Rejects with a KubeblameError. */
export type Ask = <Name extends QuestionName>(name: Name, query: QueryOf<Name>) => Promise<AnswerOf<Name>>;

/** A method for each question. */
export type Questions = { [Name in QuestionName]: (query: QueryOf<Name>) => Promise<AnswerOf<Name>> };

/**
 * A ledger that can be asked: one interface, whether it is a file (webhook/ask/questions) or a server (plugin/client.ts), with a method
 * for each question of the table. All reject with a KubeblameError.
 */
export interface LedgerReader extends Questions {
  /** The types that the live cluster has, with all their names: only where the answer comes through an API server. */
  discover?(): Promise<NamedType[]>;
  close(): Promise<void>;
}

/** The LedgerReader whose questions all go one way. Readers extend it. */
export const QuestionReader = class {
  constructor(ask: Ask, close: () => Promise<void> = () => Promise.resolve()) {
    for (const name of QUESTION_NAMES) Object.assign(this, { [name]: (query: never) => ask(name, query) });
    Object.assign(this, { close });
  }
} as unknown as new (ask: Ask, close?: () => Promise<void>) => LedgerReader;
