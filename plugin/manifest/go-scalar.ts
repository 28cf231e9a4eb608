/*
 * What a scalar of YAML means to kubectl. It reads YAML by sigs.k8s.io/yaml, which is go-yaml v2 (YAML 1.1 with exceptions:
 * dates and 12:30 are texts, 0o755 is a number), and turns it into JSON. plugin/testing/kubectl-reads.json has recorded
 * what the real kubectl makes of several hundred.
 */

/** A scalar as JSON: its text, and what kind of value it is. */
export interface GoScalar {
  tag: 'null' | 'bool' | 'int' | 'float' | 'str';
  /** JSON text; of a float that JSON cannot hold `+Inf`, `-Inf` or `NaN`. */
  json: string;
}

const TRUE = words('y Y yes Yes YES true True TRUE on On ON');
const FALSE = words('n N no No NO false False FALSE off Off OFF');
const NULL = words(' ~ null Null NULL');
const INFINITE = words('.inf .Inf .INF +.inf +.Inf +.INF');
const MINUS_INFINITE = words('-.inf -.Inf -.INF');
const NOT_A_NUMBER = words('.nan .NaN .NAN');

/** As strconv.ParseInt with base 0 reads it. */
const INTEGER = /^([-+]?)(?:0[xX]([\da-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9]\d*))$/;
const FLOAT = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;
/** Without a digit or sign before the point, underscores only stand between digits. */
const POINT_FIRST = /^\.\d+(?:_\d+)*(?:[eE][-+]?\d+(?:_\d+)*)?$/;

const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

/** What a scalar without quotes and tag is. */
export function plainScalar(text: string): GoScalar {
  if (TRUE.has(text)) return { tag: 'bool', json: 'true' };
  if (FALSE.has(text)) return { tag: 'bool', json: 'false' };
  if (NULL.has(text)) return { tag: 'null', json: 'null' };
  if (INFINITE.has(text)) return { tag: 'float', json: '+Inf' };
  if (MINUS_INFINITE.has(text)) return { tag: 'float', json: '-Inf' };
  if (NOT_A_NUMBER.has(text)) return { tag: 'float', json: 'NaN' };
  return (/^[-+\d]/.test(text) ? numberOf(text.replaceAll('_', '')) : pointFirst(text)) ?? textScalar(text);
}

export function textScalar(text: string): GoScalar {
  return { tag: 'str', json: JSON.stringify(text) };
}

/** What a scalar with one of YAML's own tags is (`int` of `!!int`); throws a RangeError where it is no such value. */
export function taggedScalar(tag: string, text: string): GoScalar {
  if (tag === 'str') return textScalar(text);
  if (tag === 'binary') {
    if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text)) throw new RangeError('!!binary value contains invalid base64 data');
    return textScalar(Buffer.from(text, 'base64').toString());
  }
  const found = plainScalar(text);
  if (tag === 'timestamp' && /^\d{4}-\d/.test(text)) return textScalar(text);
  if (found.tag === tag) return found;
  if (tag === 'float' && found.tag === 'int') return { ...found, tag: 'float' };
  if (['null', 'bool', 'int', 'float', 'timestamp'].includes(tag)) {
    throw new RangeError(`cannot decode !!${found.tag} \`${text}\` as a !!${tag}`);
  }
  return textScalar(text);
}

/** The text that a scalar is as a key; throws a RangeError where kubectl takes none of its kind. */
export function keyText({ tag, json }: GoScalar): string {
  if (tag === 'str') return JSON.parse(json) as string;
  if (tag === 'float') return floatKey(json);
  if (tag === 'null') throw new RangeError('a key is null: put it in quotes');
  return json;
}

function numberOf(text: string): GoScalar | null {
  const [, sign = '', hex, binary, octal, decimal] = INTEGER.exec(text) ?? [];
  const digits = hex !== undefined ? `0x${hex}` : binary !== undefined ? `0b${binary}` : octal !== undefined ? `0o${octal}` : decimal; // prettier-ignore
  if (digits !== undefined) {
    const amount = BigInt(digits);
    const value = sign === '-' ? -amount : amount;
    if (value <= MAX_INT64 && value >= -MAX_INT64 - 1n) return { tag: 'int', json: value.toString() };
    // Beyond int64 kubectl goes on with a float.
    if (sign === '' && value <= MAX_UINT64) return { tag: 'float', json: String(Number(value)) };
  }
  return FLOAT.test(text) ? floatOf(text) : null;
}

function pointFirst(text: string): GoScalar | null {
  return POINT_FIRST.test(text) ? floatOf(text.replaceAll('_', '')) : null;
}

/** JavaScript writes floats as Go writes them in JSON. One that is too large is a text. */
function floatOf(text: string): GoScalar | null {
  const value = Number(text);
  return Number.isFinite(value) ? { tag: 'float', json: String(value) } : null;
}

/** As strconv.FormatFloat(value, 'g', -1, 32) writes it: the shortest text of a 32-bit float. */
function floatKey(json: string): string {
  if (!/\d/.test(json)) return { '+Inf': '.inf', '-Inf': '-.inf', NaN: '.nan' }[json] ?? json;
  const value = Math.fround(Number(json));
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf';
  if (value === 0) return '0';
  let digits = 1;
  while (Math.fround(Number(value.toPrecision(digits))) !== value) digits++;
  const [mantissa = '', exponentText = '0'] = value.toExponential(digits - 1).split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 6) return String(Number(`${mantissa}e${exponent}`));
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(' '));
}
