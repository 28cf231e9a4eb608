import type { ErrorCode } from '../shared/errors.ts';
import { UNWRITTEN } from '../webhook/platform/files/standard-output.ts';

/** Exit codes, as `--help` and docs/errors.md list them. With -f 1 is `differs`, and no error, as of kubectl diff. */
export const EXIT = {
  answered: 0,
  error: 1,
  differs: 1,
  usage: 2,
  uncovered: 3,
  incomplete: 4,
  unwritten: UNWRITTEN,
} as const;

/** Ends the program with an exit code when all has been said. */
export class Exit extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
    this.name = 'Exit';
  }
}

const CODES: Partial<Record<ErrorCode, number>> = {
  'usage-invalid': EXIT.usage,
  'time-invalid': EXIT.usage,
  'field-invalid': EXIT.usage,
  'selector-invalid': EXIT.usage,
  'query-invalid': EXIT.usage,
  'time-uncovered': EXIT.uncovered,
  'name-unknown': EXIT.uncovered,
  'undo-incomplete': EXIT.incomplete,
  'field-absent': EXIT.uncovered,
  'stdout-failed': EXIT.unwritten,
};

export function exitCodeOf(code: ErrorCode): number {
  return CODES[code] ?? EXIT.error;
}
