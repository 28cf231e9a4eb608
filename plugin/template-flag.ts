import { KubeblameError } from '../shared/errors.ts';
import type { Template } from './templates/output-template.ts';

/** What kubectl's -o has beside names. */
const TEMPLATE = /^(jsonpath|custom-columns)(-file)?(?:=(.*))?$/s;
const GO_TEMPLATE = /^(?:go-?)?template(?:-?file)?(?:=|$)/;

/**
 * Command-line words with `-o json` where they ask for a template, and the template. Throws usage-invalid for Go's templates,
 * which no library for JavaScript renders as kubectl does.
 */
export function takeTemplate(args: readonly string[]): { words: string[]; template: Template | null } {
  const words = [...args];
  let template: Template | null = null;
  const end = args.indexOf('--');
  for (let index = 0; index < (end < 0 ? args.length : end); index++) {
    const [, flag = '', joined = ''] = /^(-o=?|--output=?|--format=?)(.*)$/s.exec(args[index] ?? '') ?? [];
    if (flag === '') continue;
    const at = joined === '' && !flag.endsWith('=') ? index + 1 : index;
    const value = at === index ? joined : (args[at] ?? '');
    const read = templateOf(value);
    if (read === null) continue;
    template = read;
    words[at] = at === index ? `${flag}json` : 'json';
    index = at;
  }
  return { words, template };
}

function templateOf(value: string): Template | null {
  if (GO_TEMPLATE.test(value)) {
    const [name = ''] = value.split('=');
    throw new KubeblameError('usage-invalid', `${name} is not supported`, 'use -o jsonpath= or -o custom-columns=, or -o json with a program such as jq'); // prettier-ignore
  }
  const [, kind, file = '', text = ''] = TEMPLATE.exec(value) ?? [];
  if (kind === undefined) return null;
  if (text === '') throw new KubeblameError('usage-invalid', `${kind}${file}: nothing follows the equals sign`, kind === 'jsonpath' ? "such as -o jsonpath='{.items[*].seq}'" : 'such as -o custom-columns=ID:.seq,USER:.actor.username'); // prettier-ignore
  return { name: `${kind}${file}`, text };
}
