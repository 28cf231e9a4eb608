import { KubeblameError } from './errors.ts';

/**
 * Label selectors, as kubectl's -l takes them. Grammar and meaning are those of k8s.io/apimachinery/pkg/labels:
 * `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, `a>1`, `a<1`, joined by commas (and).
 */
export interface Requirement {
  key: string;
  operator: 'in' | 'notin' | 'exists' | 'absent' | 'greater' | 'less';
  /** Empty for `exists` and `absent`, one integer for `greater` and `less`. */
  values: string[];
}

const HINT = "selectors look like: app=web, tier!=db, env in (prod,staging), track notin (canary), release, '!debug'";

/** The requirements of a selector; none for an empty text. Throws KubeblameError selector-invalid. */
export function parseSelector(text: string): Requirement[] {
  return new SelectorParser(text).parse();
}

/** True where all requirements hold. `labels` are an object's own; a missing label satisfies `!=` and `notin`. */
export function matchesSelector(selector: readonly Requirement[], labels: Readonly<Record<string, string>>): boolean {
  return selector.every((requirement) => holds(requirement, labels));
}

function holds({ key, operator, values }: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'in':
      return value !== undefined && values.includes(value);
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case 'absent':
      return value === undefined;
    case 'greater':
    case 'less': {
      // As in Kubernetes: a label that is no integer matches neither.
      if (value === undefined || !INTEGER.test(value)) return false;
      const [left, right] = [BigInt(value), BigInt(values[0] ?? '0')];
      return operator === 'greater' ? left > right : left < right;
    }
  }
}

const INTEGER = /^\d+$/;
const TOKEN = /\s*(==|!=|[=!,()<>]|[^\s=!,()<>]+)/y;
const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const PUNCTUATION = new Set(['==', '!=', '=', '!', ',', '(', ')', '<', '>']);

class SelectorParser {
  private readonly tokens: string[] = [];
  private position = 0;

  constructor(private readonly text: string) {
    TOKEN.lastIndex = 0;
    for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) this.tokens.push(match[1] ?? '');
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = [];
    if (this.tokens.length === 0) return requirements;
    for (;;) {
      requirements.push(this.requirement());
      const separator = this.take();
      if (separator === undefined) return requirements;
      if (separator !== ',') this.fail(`unexpected ${quote(separator)}; a comma separates requirements`);
      if (this.peek() === undefined) this.fail('it ends with a comma');
    }
  }

  private requirement(): Requirement {
    if (this.peek() === '!') {
      this.take();
      return { key: this.key(), operator: 'absent', values: [] };
    }
    const key = this.key();
    const operator = this.peek();
    if (operator === undefined || operator === ',') return { key, operator: 'exists', values: [] };
    this.take();
    switch (operator) {
      case '=':
      case '==':
        return { key, operator: 'in', values: [this.value()] };
      case '!=':
        return { key, operator: 'notin', values: [this.value()] };
      case 'in':
      case 'notin':
        return { key, operator, values: this.list(operator) };
      case '>':
      case '<': {
        const value = this.value();
        if (!INTEGER.test(value)) this.fail(`${operator} compares integers, and ${quote(value)} is none`);
        return { key, operator: operator === '>' ? 'greater' : 'less', values: [value] };
      }
      default:
        return this.fail(`after the key ${quote(key)} comes one of =, !=, in, notin, and not ${quote(operator)}`);
    }
  }

  private list(operator: string): string[] {
    if (this.take() !== '(') this.fail(`${operator} takes its values in parentheses`);
    const values = [this.value()];
    for (;;) {
      const token = this.take();
      if (token === ')') return values;
      if (token === undefined) this.fail('the closing parenthesis is missing');
      if (token !== ',') this.fail(`unexpected ${quote(token)} in the list of values`);
      values.push(this.value());
    }
  }

  private key(): string {
    const key = this.take();
    if (key === undefined || PUNCTUATION.has(key))
      this.fail(`a label key is missing before ${quote(key ?? 'the end')}`);
    const slash = key.indexOf('/');
    const [prefix, name] = slash < 0 ? [null, key] : [key.slice(0, slash), key.slice(slash + 1)];
    if (!NAME.test(name) || (prefix !== null && !PREFIX.test(prefix))) this.fail(`${quote(key)} is no label key`);
    return key;
  }

  /** A value may be empty: `a=` and `a in (,x)`. */
  private value(): string {
    const next = this.peek();
    if (next === undefined || next === ',' || next === ')') return '';
    if (PUNCTUATION.has(next)) this.fail(`unexpected ${quote(next)}`);
    this.take();
    if (!NAME.test(next)) this.fail(`${quote(next)} is no label value`);
    return next;
  }

  private peek(): string | undefined {
    return this.tokens[this.position];
  }

  private take(): string | undefined {
    return this.tokens[this.position++];
  }

  private fail(reason: string): never {
    throw new KubeblameError(
      'selector-invalid',
      `the label selector ${quote(this.text)} cannot be read: ${reason}`,
      HINT,
    );
  }
}

function quote(text: string): string {
  return JSON.stringify(text);
}
