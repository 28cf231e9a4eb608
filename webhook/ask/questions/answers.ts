import type { QuestionName } from '../../../shared/questions/table.ts';
import type { Answer } from './asked.ts';
import { changes } from './changes/changes.ts';
import { applications, facts, graph, impact } from './landscape/landscape.ts';
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
  graph,
  impact,
  applications,
  facts,
  manual,
  coverage,
};
