import { displayName } from '../../shared/resource-types.ts';
import type { ResourceType } from '../../shared/types.ts';
import { Chalk, type ChalkInstance } from 'chalk';

/** How to write for the one who reads: a terminal of some width, or a pipe. */
export interface Style {
  /** Columns of the terminal. null for a pipe: nothing is shortened, times are RFC 3339 in UTC. */
  columns: number | null;
  chalk: ChalkInstance;
  ellipsis: string;
  arrow: string;
  /** From a change to what led to it. */
  from: string;
  dot: string;
  /** Between an annotation and what it is about. */
  bar: string;
  /** Before what is in a tree: of one that others follow, of the last, and of what is below each of them. */
  branches: { next: string; last: string; below: string; belowLast: string };
  /** The IANA name of the reader's time zone. */
  timeZone: string;
  /** The present (ms), for ages; null where times are told as they are. */
  now: number | null;
  /** Whether tables have a first line with the names of their columns. */
  headers: boolean;
  /** A text that leads to a URL, in terminals that have that; elsewhere the text. '' or nothing: no URL. */
  link: (text: string, url: string | undefined) => string;
  /** What a type is called: `deployment`; with its group where another type that is known has the same name. */
  typeName: (type: ResourceType) => string;
}

export interface StyleOptions {
  columns: number | null;
  /** chalk's level: 0 is none. */
  colour: 0 | 1 | 2 | 3;
  unicode: boolean;
  timeZone: string;
  /** ms; without it no time is told as an age. */
  now?: number;
  headers?: boolean;
  /** Whether the terminal knows links; asked where there is one to write. */
  links?: () => boolean;
}

/** OSC 8. The URL holds no control character: rules (shared/landscape/rules.ts) see to that. */
const linkTo = (text: string, url: string): string => `\u001b]8;;${url}\u001b\\${text}\u001b]8;;\u001b\\`;

export function createStyle({
  columns,
  colour,
  unicode,
  timeZone,
  now,
  headers = true,
  links = () => false,
}: StyleOptions): Style {
  return {
    columns,
    chalk: new Chalk({ level: colour }),
    ellipsis: unicode ? '…' : '...',
    arrow: unicode ? '→' : '->',
    from: unicode ? '←' : '<-',
    dot: unicode ? '·' : '-',
    bar: unicode ? '│' : '|',
    branches: {
      ...(unicode ? { next: '├─ ', last: '└─ ', below: '│  ' } : { next: '|- ', last: '`- ', below: '|  ' }),
      belowLast: '   ',
    },
    timeZone,
    now: now ?? null,
    headers,
    link: (text, url = '') => (url !== '' && columns !== null && links() ? linkTo(text, url) : text),
    typeName: displayName,
  };
}
