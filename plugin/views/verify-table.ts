import type { FileReport } from '../../webhook/ledger/files/verify-file.ts';
import { PARTS, type Part } from '../../webhook/ledger/proof/report.ts';
import type { Style } from './style.ts';
import { wrappedTableLines } from './table.ts';
import { printable } from './text.ts';
import { momentText } from './times.ts';

const number = (value: number): string => value.toLocaleString('en-US');
const counted = (value: number, one: string, many = `${one}s`): string =>
  `${number(value)} ${value === 1 ? one : many}`;

/** What was looked at, part by part, and after it each thing that is wrong, where. */
export function verifyTable(report: FileReport, style: Style): string[] {
  const { chalk } = style;
  const wrong = new Set(report.findings.map(({ part }) => part));
  const rows = PARTS.map((part) => {
    const { text, looked } = lookedAt(part, report);
    const result = wrong.has(part) ? chalk.red('WRONG') : looked ? chalk.green('ok') : chalk.yellow('not checked');
    return [part, result, text];
  });
  const findings = report.findings.map(
    ({ part, where, what }) => `${chalk.red(`${part}:`)} ${printable(where)}: ${printable(what)}`,
  );
  if (report.more > 0) findings.push(`and ${number(report.more)} more`);
  return [...wrappedTableLines(['PART', 'RESULT', 'LOOKED AT'], rows, style), ...findings];
}

function lookedAt(part: Part, report: FileReport): { text: string; looked: boolean } {
  const { checkpoints } = report;
  switch (part) {
    case 'file':
      return { text: 'pages, indexes, constraints, schema, triggers', looked: true };
    case 'chain': {
      const shortened = report.shortened === 0 ? '' : ` (${number(report.shortened)} shortened)`;
      const rows = [
        `${counted(report.changes, 'change')}${shortened}`,
        counted(report.outcomes, 'outcome'),
        counted(report.coverage, 'coverage event'),
      ];
      return { text: `${counted(report.commits, 'commit')}: ${rows.join(', ')}`, looked: true };
    }
    case 'references':
      return { text: 'what each row refers to, and that each is referred to', looked: true };
    case 'outcomes':
      return { text: counted(report.outcomes, 'outcome'), looked: true };
    case 'objects':
      return {
        text: `${counted(report.lastStates, 'object')} rebuilt at the last change, ${counted(report.otherStates, 'other state')}`,
        looked: true,
      };
    case 'events':
      return { text: `${counted(report.events, 'Event')} rebuilt; they are no part of the chain`, looked: true };
    case 'checkpoints': {
      if (checkpoints.checked === 0) return { text: 'no signed checkpoint that covers it', looked: false };
      const signed = counted(checkpoints.checked, 'signed checkpoint');
      const folded = checkpoints.folded === 0 ? '' : `, ${number(checkpoints.folded)} of history that was folded`;
      return {
        text: `${signed}, the last of the first ${counted(checkpoints.lastSize, 'commit')}${folded}`,
        looked: true,
      };
    }
  }
}

/** What explains the table: what it is about, what it rests on, and what it cannot tell. */
export function verifyNotes(path: string, report: FileReport, style: Style): string[] {
  const span = [report.firstAt, report.lastAt].flatMap((at) => (at === null ? [] : [momentText(at, style)]));
  const notes = [
    [path, report.cluster, span.join(` ${style.arrow} `)].filter((text) => text !== '').join(` ${style.dot} `),
  ];
  const { horizon, checkpoints, given } = report;
  if (horizon !== null) {
    const what = counted(horizon.removed, 'change');
    notes.push(
      `${what} before ${momentText(horizon.at, style)} were folded: only an archive made before can prove them`,
    );
  }
  for (const key of checkpoints.keys) notes.push(`signed by ${key}`);
  if (checkpoints.unsigned > 0) {
    notes.push(`${counted(checkpoints.unsigned, 'checkpoint')} that no key given has signed: passed over`);
  }
  if (checkpoints.checked === 0) {
    notes.push('without a signed checkpoint a history that was written anew, or cut off at its end, passes as well');
    notes.push('give a copy of the checkpoints, and the key that you were told: --checkpoints FILE --key KEY');
  } else if (given.beside) {
    notes.push(
      'the key lies beside the ledger: against whoever can write there, give the one that you were told: --key KEY',
    );
  }
  return notes.map(printable);
}
