import { NATIVE_API } from '../../../../shared/api.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { VERSION } from '../../../../shared/version.ts';
import { RESOURCES, type NativeResource } from './resources.ts';

const { group: GROUP, version, path: PATH } = NATIVE_API;

const text = (description: string): JsonObject => ({ type: 'string', description });
const integer = (description: string): JsonObject => ({ type: 'integer', format: 'int64', description });
const anything = (description: string): JsonObject => ({
  description,
  'x-kubernetes-preserve-unknown-fields': true,
});
const object = (description: string, properties: Record<string, JsonObject>): JsonObject => ({
  type: 'object',
  description,
  properties,
});

const OBJECT = object('Which object, and which incarnation of its name.', {
  group: text('API group; empty for the core group.'),
  resource: text('Plural name of the type.'),
  kind: text('Kind of the type.'),
  namespace: text('Empty for cluster-wide objects.'),
  name: text('Name of the object.'),
  uid: text('Names are reused, uids are not.'),
});
const ACTOR = object('The authenticated user of the request; null where nobody sent it through the webhook.', {
  username: text('Name of the user.'),
  uid: text('Uid of the user.'),
  groups: { type: 'array', items: { type: 'string' }, description: 'Groups of the user.' },
  extra: anything('Further facts that the authenticator gave.'),
  disputed: { type: 'boolean', description: 'Reviews of other users claim the same version; absent of most.' },
});

/** What each kind holds, besides apiVersion, kind and metadata: for `kubectl explain`. */
const PROPERTIES: Record<string, Record<string, JsonObject>> = {
  Change: {
    seq: integer('Position in the ledger.'),
    at: text('When it was asked for, RFC 3339.'),
    notBefore: text('Where the moment is only known as an interval: its beginning, RFC 3339.'),
    object: OBJECT,
    operation: text('CREATE, UPDATE, DELETE or CONNECT.'),
    subresource: text('Empty for the object itself.'),
    source: text('Where it was learned: admission, baseline, watch or audit.'),
    actor: ACTOR,
    manager: text('The field manager that sent the request.'),
    effect: text('none, created, modified or deleted.'),
    outcome: text('pending, committed, dropped or unverified.'),
    outcomeReason: text('How the outcome is known.'),
    patch: anything('RFC 6902 operations.'),
    deltas: anything('The changed values, list items by their merge key.'),
    options: anything('Options of the request.'),
  },
  State: {
    at: text('The moment, RFC 3339.'),
    seq: integer('The change that made this state.'),
    changedAt: text('When it was made, RFC 3339.'),
    object: OBJECT,
    actor: ACTOR,
    manager: text('The field manager that made it.'),
    outcome: text('What it relies on: committed facts, or an attempt that is pending or unverified.'),
    body: anything('The object as it was.'),
  },
  CoverageInterval: {
    from: text('RFC 3339.'),
    to: text('RFC 3339; null: until now.'),
    covered: { type: 'boolean', description: 'Whether all that happened was recorded.' },
    cause: text('Why it was not.'),
  },
  Question: {},
};

/** The OpenAPI v3 document of the group's version. */
export function openApi(): JsonObject {
  return {
    openapi: '3.0.0',
    info: { title: 'Kubeblame', version: VERSION },
    paths: Object.fromEntries(RESOURCES.flatMap(pathsOf)),
    components: { schemas: Object.fromEntries(RESOURCES.flatMap(schemasOf)) },
  };
}

function schemaName(kind: string): string {
  return `io.kubeblame.${version}.${kind}`;
}

function gvk(kind: string): JsonObject[] {
  return [{ group: GROUP, version, kind }];
}

function schemasOf({ kind, description }: NativeResource): [string, JsonObject][] {
  const meta = { apiVersion: text('kubeblame.io/v1alpha1'), kind: text('The kind.') };
  const item = object(description, { ...meta, metadata: anything('Metadata.'), ...PROPERTIES[kind] });
  const items = { type: 'array', items: { $ref: `#/components/schemas/${schemaName(kind)}` } };
  return [
    [schemaName(kind), { ...item, 'x-kubernetes-group-version-kind': gvk(kind) }],
    [
      schemaName(`${kind}List`),
      {
        ...object('A page of them.', { ...meta, metadata: anything('Metadata.'), items }),
        'x-kubernetes-group-version-kind': gvk(`${kind}List`),
      },
    ],
  ];
}

function pathsOf(resource: NativeResource): [string, JsonObject][] {
  const { name, namespaced, verbs } = resource;
  const bases = namespaced ? [`${PATH}/${name}`, `${PATH}/namespaces/{namespace}/${name}`] : [`${PATH}/${name}`];
  return bases.flatMap((base): [string, JsonObject][] => [
    ...(verbs.includes('list') ? [[base, operation(resource, 'list', base)] as [string, JsonObject]] : []),
    ...(verbs.includes('get') ? [[`${base}/{name}`, operation(resource, 'get', base)] as [string, JsonObject]] : []),
  ]);
}

function operation({ kind, description }: NativeResource, action: 'list' | 'get', base: string): JsonObject {
  const scope = base.includes('{namespace}') ? 'Namespaced' : '';
  const $ref = `#/components/schemas/${schemaName(action === 'list' ? `${kind}List` : kind)}`;
  const parameters = ['namespace', 'name'].flatMap((name) =>
    base.includes(`{${name}}`) || (name === 'name' && action === 'get')
      ? [{ name, in: 'path', required: true, schema: { type: 'string' } }]
      : [],
  );
  const queries = action === 'list' ? ['fieldSelector', 'labelSelector', 'limit', 'continue', 'watch'] : [];
  return {
    get: {
      description,
      operationId: `${action}${scope}${kind}`,
      'x-kubernetes-action': action,
      'x-kubernetes-group-version-kind': gvk(kind)[0] ?? {},
      parameters: [...parameters, ...queries.map((name) => ({ name, in: 'query', schema: { type: 'string' } }))],
      responses: { '200': { description: 'OK', content: { 'application/json': { schema: { $ref } } } } },
    },
  };
}
