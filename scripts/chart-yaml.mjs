/*
 * YAML with template actions in it. Of Helm's language the chart uses five forms, which testing/render-chart.ts renders:
 * `{{- if .Values.a.b }}` and `{{- end }}` on lines of their own, and in a value `{{ toJson .Values.a.b }}`,
 * `{{ .Values.a.b }}`, `{{ .Release.Namespace }}` and `{{ "{{" }}`.
 */

/** A value that is written as it is. */
export function expression(text) {
  return { text };
}

/** An item of a list, or a value of an object, that is there only where a value of the chart is set. */
export function when(condition, item) {
  return { condition, item };
}

const PLAIN = /^[A-Za-z/][\w./-]*$/;
const WORDS = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

function scalar(value) {
  if (typeof value === 'string' && PLAIN.test(value) && !WORDS.test(value)) return value;
  return JSON.stringify(value);
}

const isCondition = (node) => node !== null && typeof node === 'object' && 'condition' in node && 'item' in node;
const isExpression = (node) => node !== null && typeof node === 'object' && typeof node.text === 'string';

function isLeaf(node) {
  return node === null || typeof node !== 'object' || isExpression(node) || Object.keys(node).length === 0;
}

function leaf(node) {
  return isExpression(node) ? node.text : scalar(node);
}

function lines(node, indent) {
  const pad = ' '.repeat(indent);
  const conditional = (one, inner) =>
    isCondition(one) ? [`{{- if ${one.condition} }}`, ...inner(one.item), '{{- end }}'] : inner(one);
  if (Array.isArray(node)) {
    return node.flatMap((one) =>
      conditional(one, (item) => {
        if (isLeaf(item)) return [`${pad}- ${leaf(item)}`];
        const [first, ...rest] = lines(item, indent + 2);
        if (first.startsWith('{{')) throw new Error('the first key of a list item cannot be conditional');
        return [`${pad}- ${first.slice(indent + 2)}`, ...rest];
      }),
    );
  }
  return Object.entries(node).flatMap(([key, value]) =>
    conditional(value, (one) =>
      isLeaf(one)
        ? [`${pad}${scalar(key)}: ${leaf(one)}`]
        : [`${pad}${scalar(key)}:`, ...lines(one, indent + (Array.isArray(one) ? 0 : 2))],
    ),
  );
}

/** An object as YAML, with its conditions and expressions. */
export function emit(object) {
  return `${lines(object, 0).join('\n')}\n`;
}
