import { writeOut } from '../../platform/files/standard-output.ts';

/** Prints to stdout. */
export function print(text: string): void {
  writeOut(process.stdout, text);
}
