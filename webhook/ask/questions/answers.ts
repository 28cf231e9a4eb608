import type { QuestionName } from '../../../shared/questions/table.ts';
import type { Answer } from './asked.ts';
import { changes } from './changes/changes.ts';
import { coverage, info, objects, resources } from './ledger.ts';
import { manual } from './people/manual.ts';
import { blame } from './objects/blame.ts';
import { differences } from './objects/differences.ts';
import { states } from './objects/states.ts';
import { users } from './people/users.ts';

/** How each question of the table (shared/questions/table.ts) is answered from a store. */
export const ANSWERS: { readonly [Name in QuestionName]: Answer<Name> } = {
  info,
  resources,
  objects,
  changes,
  users,
  states,
  differences,
  blame,
  // Loaded when they are asked for: the command line starts once for each question.
  graph: async (asked, query) => (await import('./landscape/landscape.ts')).graph(asked, query),
  impact: async (asked, query) => (await import('./landscape/landscape.ts')).impact(asked, query),
  applications: async (asked, query) => (await import('./landscape/landscape.ts')).applications(asked, query),
  facts: async (asked, query) => (await import('./landscape/landscape.ts')).facts(asked, query),
  manual,
  events: async (asked, query) => (await import('./objects/events/events.ts')).events(asked, query),
  coverage,
};
