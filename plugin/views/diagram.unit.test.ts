import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Graph } from '../../shared/landscape/types.ts';
import { dot, mermaid } from './diagram.ts';
import { createStyle } from './style.ts';

const style = createStyle({ columns: null, unicode: true, timeZone: 'UTC', now: 0, headers: true, colour: 0 });

/** A picture of two hosts with these names. */
function pictures(first: string, second: string, title: string): { dot: string; mermaid: string } {
  const graph: Graph = {
    nodes: [
      { is: 'host', name: first },
      { is: 'host', name: second },
    ],
    edges: [{ relation: 'exposes', certainty: 'inferred', from: 0, to: 1, by: 0, field: 'spec' }],
  };
  const diagram = { title, links: [{ edge: 0, above: 0, below: 1 }], starts: [0], effects: new Map([[1, 'breaks' as const]]) }; // prettier-ignore
  const naming = { graph, home: '', isAbsent: () => false, style };
  return { dot: dot(diagram, naming), mermaid: mermaid(diagram, naming) };
}

/** Letters that mean something in one of the languages, in any order. */
const hostile = fc
  .array(
    fc.constantFrom(
      '"',
      '\\',
      ']',
      '[',
      ';',
      '}',
      '{',
      '\n',
      '\r',
      '<',
      '>',
      '`',
      '#',
      '|',
      '%%',
      '-->',
      '&',
      'click n0 href "javascript:alert(1)"',
      '<img src=x onerror=alert(1)>',
      '\u2028',
      '\u0000',
      'a',
    ),
    { maxLength: 12 },
  ) // prettier-ignore
  .map((parts) => parts.join(''));

/** A string of Graphviz: nothing ends it but its quote. */
const STRING = '"(?:[^"\\\\\\n]|\\\\.)*"';

describe('pictures', () => {
  it('have the same statements whatever things are called: for Graphviz each name stays in its string', () => {
    const expected = new RegExp(
      [
        `^digraph ${STRING} \\{`,
        '  rankdir=LR;',
        '  node \\[shape=box, style="rounded,filled", fillcolor=white, fontname="sans-serif"\\];',
        `  n0 \\[label=${STRING}, penwidth=2\\];`,
        `  n1 \\[label=${STRING}, fillcolor="#f4b6b6"\\];`,
        `  n0 -> n1 \\[label=${STRING}, style=dashed\\];`,
        '\\}\\n$',
      ].join('\\n'),
    );
    fc.assert(
      fc.property(hostile, hostile, hostile, (a, b, c) => assert.match(pictures(a, b, c).dot, expected)),
      { numRuns: 500 },
    );
  });

  it('and for Mermaid, in which a name has neither quote, tag nor backtick', () => {
    const text = '"[^"<>`|\\n]*"';
    const expected = new RegExp(
      [
        '^flowchart LR',
        `  n0\\[${text}\\]`,
        '  n1\\["[^"<>`|\\n]*<br>breaks"\\]',
        `  n0 -\\.->\\|${text}\\| n1`,
        '  style n0 stroke-width:3px',
        '  style n1 fill:#f4b6b6\\n$',
      ].join('\\n'),
    );
    fc.assert(
      fc.property(hostile, hostile, hostile, (a, b, c) => assert.match(pictures(a, b, c).mermaid, expected)),
      { numRuns: 500 },
    );
  });
});
