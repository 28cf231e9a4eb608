import { parseJson } from '../../shared/json.ts';
import type { Json } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { print } from '../commands/notes.ts';
import { columnLines, parseColumns, parseColumnsFile } from './custom-columns.ts';
import { fill, parseTemplate } from './json-path.ts';

/** `-o jsonpath=…`, and what else makes its output of what -o json prints. */
export interface Template {
  name: string;
  text: string;
}

/** An io that keeps a document instead of printing it; `finish` prints what the template makes of it. */
export async function templated({ name, text }: Template, io: Io): Promise<{ io: Io; finish: () => void }> {
  const source = name.endsWith('-file') ? await io.read(text) : text;
  let show: (document: Json) => void;
  if (name === 'custom-columns' || name === 'custom-columns-file') {
    const columns = name === 'custom-columns' ? parseColumns(source) : parseColumnsFile(source);
    show = (document) => print(io, columnLines(columns, document, io.style));
  } else {
    const parts = parseTemplate(source);
    show = (document) => io.out(fill(parts, document));
  }
  let written = '';
  return {
    io: { ...io, out: (output) => void (written += output) },
    finish: () => {
      if (written !== '') show(parseJson(written));
    },
  };
}
