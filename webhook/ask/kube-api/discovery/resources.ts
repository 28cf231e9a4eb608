import { NATIVE_API } from '../../../../shared/api.ts';

/** A resource of the native API. */
export interface NativeResource {
  name: string;
  singular: string;
  kind: string;
  namespaced: boolean;
  verbs: string[];
  description: string;
}

/** What is offered. Nothing can be created or deleted, so that the deletion of a namespace asks nothing of us. */
export const RESOURCES: readonly NativeResource[] = [
  {
    name: 'changes',
    singular: 'change',
    kind: 'Change',
    namespaced: true,
    verbs: ['get', 'list', 'watch'],
    description: 'One recorded event: who changed what, when. Its name is its number in the ledger.',
  },
  {
    name: 'states',
    singular: 'state',
    kind: 'State',
    namespaced: true,
    verbs: ['get', 'list'],
    description: 'An object as it was at a moment (field selector at=TIME; now, without one).',
  },
  {
    name: 'coverage',
    singular: 'coverageinterval',
    kind: 'CoverageInterval',
    namespaced: false,
    verbs: ['list'],
    description: 'A stretch of time, and whether all that happened in it was recorded.',
  },
  {
    name: NATIVE_API.questions,
    singular: 'question',
    kind: 'Question',
    namespaced: false,
    verbs: ['get'],
    description: 'What kubectl-blame asks. Each answer holds what the caller may read, and nothing else.',
  },
];

export const API_VERSION = `${NATIVE_API.group}/${NATIVE_API.version}`;
