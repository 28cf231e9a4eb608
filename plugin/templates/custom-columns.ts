import { KubeblameError } from '../../shared/errors.ts';
import { isObject } from '../../shared/json.ts';
import type { Json } from '../../shared/types.ts';
import type { Style } from '../views/style.ts';
import { tableLines } from '../views/table.ts';
import { printable } from '../views/text.ts';
import { lookUp, parsePath, textOf } from './json-path.ts';

export interface Column {
  head: string;
  path: string[];
}

/** `NAME:.path,WHO:.actor.username`, as kubectl reads it. Throws usage-invalid. */
export function parseColumns(text: string): Column[] {
  return text.split(',').map((each) => {
    const [, head, path] = /^([^:]+):(.+)$/s.exec(each) ?? [];
    if (head === undefined || path === undefined) {
      throw new KubeblameError('usage-invalid', `custom-columns: ${JSON.stringify(each)} is not HEAD:PATH`, 'write it as in kubectl: ID:.seq,USER:.actor.username'); // prettier-ignore
    }
    return { head, path: pathOf(path.trim(), text) };
  });
}

/** A file has the heads in its first line, and the paths in its second. Throws usage-invalid. */
export function parseColumnsFile(text: string): Column[] {
  const [heads = [], paths = []] = text.split('\n').map((line) => line.split(/\s+/).filter((word) => word !== ''));
  if (heads.length === 0 || heads.length !== paths.length) {
    throw new KubeblameError('usage-invalid', 'custom-columns-file: it must have two lines with as many words', 'the first line has the heads, the second the paths'); // prettier-ignore
  }
  return heads.map((head, index) => ({ head, path: pathOf(paths[index] ?? '', text) }));
}

/** kubectl takes `{.a}`, `.a` and `a`. */
function pathOf(text: string, template: string): string[] {
  const bare = text.replace(/^\{(.*)\}$/s, '$1');
  return parsePath(/^[.[$@*]/.test(bare) ? bare : `.${bare}`, template);
}

/** A table with one row for each item of a list; of what is no list, for itself. */
export function columnLines(columns: readonly Column[], document: Json, style: Style): string[] {
  const items = isObject(document) && Array.isArray(document.items) ? document.items : [document];
  const rows = items.map((item) => columns.map(({ path }) => cellOf(lookUp(item, path))));
  return tableLines(columns.map(({ head }) => printable(head)), rows, style); // prettier-ignore
}

function cellOf(values: readonly Json[]): string {
  const texts = values.filter((value) => value !== null).map((value) => printable(textOf(value)));
  return texts.length === 0 ? '<none>' : texts.join(',');
}
