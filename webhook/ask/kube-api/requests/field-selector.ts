import { KubeblameError } from '../../../../shared/errors.ts';

/** A selector is in a URL, which Node bounds at 16 KiB; nobody needs that much. */
const MAX_LENGTH = 4_096;
const MAX_TERMS = 16;

/**
 * Reads a field selector (`user=alice,resource=deployments.apps`) with kubectl's escapes (`\,` `\=` `\\`). Throws
 * query-invalid, which names what it does not understand and what it would.
 */
export function parseFieldSelector(selector: string, known: readonly string[]): Map<string, string> {
  if (selector.length > MAX_LENGTH) throw bad(`it is longer than ${MAX_LENGTH} characters`, known);
  const terms = splitUnescaped(selector, ',').filter((term) => term.trim() !== '');
  if (terms.length > MAX_TERMS) throw bad(`it has more than ${MAX_TERMS} terms`, known);
  const fields = new Map<string, string>();
  for (const term of terms) {
    const [left = '', ...right] = splitUnescaped(term, '=');
    const field = left.trim();
    if (right.length === 0) throw bad(`${JSON.stringify(term)} is not FIELD=VALUE`, known);
    if (field.endsWith('!')) throw bad(`${JSON.stringify(term)}: only = is supported`, known);
    // `a==b` is `a=b`.
    const values = right.length === 2 && right[0] === '' ? right.slice(1) : right;
    const [value = '', ...more] = values;
    if (more.length > 0) throw bad(`${JSON.stringify(term)} has an = that is not escaped`, known);
    if (!known.includes(field)) throw bad(`unknown field ${JSON.stringify(field)}`, known);
    if (fields.has(field) && fields.get(field) !== unescaped(value)) throw bad(`${field} is given twice`, known);
    fields.set(field, unescaped(value));
  }
  return fields;
}

function bad(reason: string, known: readonly string[]): KubeblameError {
  return new KubeblameError(
    'query-invalid',
    `the field selector cannot be used: ${reason}`,
    `fields are ${known.join(', ')}, as in ${known[0] ?? ''}=VALUE`,
  );
}

function splitUnescaped(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '\\') index++;
    else if (text[index] === separator) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  return [...parts, text.slice(start)];
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, '$1');
}
