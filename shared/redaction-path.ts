import { BUILT_IN_TYPES } from './built-in-types.ts';
import { KubeblameError } from './errors.ts';
import { fieldParts } from './field-path.ts';
import { printPath, type PathStep } from './redaction-rules.ts';
import { qualifiedName, resolveType } from './resource-types.ts';

/** Fields that identify an object and its versions. They cannot be redacted: nobody could ask for the object then. */
const NAMING = [
  'apiVersion',
  'kind',
  ...['name', 'namespace', 'uid', 'generateName', 'creationTimestamp', 'deletionTimestamp', 'ownerReferences'].map(
    (name) => `metadata.${name}`,
  ),
];

/** Fields that are never part of a recorded body. */
const UNRECORDED = ['metadata.managedFields', 'metadata.resourceVersion'];

/**
 * Reads the path of a redaction rule, written as for `--field`, with `*` for every key or index. Only one spelling is accepted, so
 * that a path that can never match is reported: throws config-invalid, which says what to write instead.
 */
export function parseRedactionPath(text: string): PathStep[] {
  const instead = otherForm(text);
  if (instead !== null) throw unusable(text, instead.why, instead.write);
  const steps = stepsOf(text);
  if (steps === null) throw unusable(text, 'it cannot be read', 'data.password or data["application.properties"]');
  for (const { name, quoted, any } of steps) {
    if (quoted || any) continue;
    if (name.includes('*')) {
      throw unusable(
        text,
        '* stands for a whole key or index, not for a part of one',
        text.replace(/[^.[\]]*\*[^.[\]]*/g, '*'),
      );
    }
    if (/[\s?@(){}$]/.test(name))
      throw unusable(text, `"${name}" is not a key`, 'a key with such characters in quotes, as data["a b"]');
    if (name === '') throw unusable(text, 'a key is empty', text.replace(/\[\]/g, '[*]'));
  }
  const names = steps.map(({ name, any }) => (any ? '*' : name));
  const path = names.join('.');
  const isNaming = NAMING.some((naming) => path === naming || path.startsWith(`${naming}.`));
  if (isNaming || ['*', 'metadata', 'metadata.*'].includes(path) || (names[0] === '*' && names.length <= 2)) {
    throw unusable(text, 'it would hide what names the object', 'the path of the value itself, such as spec.password');
  }
  if (UNRECORDED.some((unrecorded) => path === unrecorded || path.startsWith(`${unrecorded}.`))) {
    throw unusable(text, 'it is never recorded', 'the path of the value itself, such as spec.password');
  }
  return steps.map(({ name, any }) => ({ name, any }));
}

interface Step extends PathStep {
  quoted: boolean;
}

function stepsOf(text: string): Step[] | null {
  try {
    return fieldParts(text).map(({ name, form }) => {
      const quoted = form === 'quoted';
      return { name, quoted, any: name === '*' && !quoted };
    });
  } catch {
    return null;
  }
}

/** A path in another notation (such as JSONPath), translated into ours; null if it is not one. */
function otherForm(text: string): { why: string; write: string } | null {
  const print = (path: string): string => {
    const steps = stepsOf(path);
    return steps === null ? 'data.password or data["application.properties"]' : printPath(steps);
  };
  if (text.startsWith('/')) {
    const keys = text.split('/').slice(1);
    const steps = keys.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
    return {
      why: 'it is a JSON pointer',
      write: printPath(steps.map((name) => ({ name, any: name === '*' }))),
    };
  }
  if (/^\{.*\}$/s.test(text)) return { why: 'it is a JSONPath', write: print(text) };
  if (text.startsWith('$')) return { why: 'it is a JSONPath', write: print(text.replace(/^\$\.?/, '')) };
  if (text.startsWith('.')) return { why: 'it begins with a dot', write: print(text) };
  if (/\\/.test(text.replace(/"(?:[^"\\]|\\.)*"|'[^']*'/g, ''))) {
    return { why: 'a dot inside a key is written by quoting the key, not with a backslash', write: print(text) };
  }
  return null;
}

function unusable(text: string, why: string, write: string): KubeblameError {
  return new KubeblameError(
    'config-invalid',
    `the path ${JSON.stringify(text)} cannot be used: ${why}; write ${write}`,
  );
}

/**
 * Reads the resource of a redaction rule: plural, in lower case, with its group: `configmaps`, `deployments.apps`. Throws
 * config-invalid, which says what to write instead.
 */
export function parseRuleResource(text: string): { group: string; resource: string } {
  const wrong = (why: string, write: string): KubeblameError =>
    new KubeblameError('config-invalid', `the resource ${JSON.stringify(text)} cannot be used: ${why}; write ${write}`);
  const [plain = ''] = text.split('/');
  if (plain !== text) throw wrong('a redaction holds for all subresources', plain);
  const [resource = '', ...rest] = text.split('.');
  const group = rest.join('.');
  if (BUILT_IN_TYPES.some((type) => type.group === group && type.resource === resource)) return { group, resource };
  const meant = known(text);
  if (meant !== null) throw wrong('it is not the plural name with its group', meant);
  if (!/^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*$/.test(text)) {
    throw wrong(
      'it is not a plural name in lower case',
      'what `kubectl api-resources` prints, as databases.example.com',
    );
  }
  if (group === '') {
    throw wrong('Kubernetes has no such resource without a group', `it with its group, as ${resource}.example.com`);
  }
  return { group, resource };
}

/** The type that `kubectl` would take it for. */
function known(text: string): string | null {
  try {
    return qualifiedName(resolveType(text, []));
  } catch {
    return null;
  }
}
