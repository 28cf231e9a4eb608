import assert from 'node:assert/strict';
import { dependentsOf, isVital } from './dependents.ts';
import type { JsonObject, ObjectRef, State } from './types.ts';

type Whole = Pick<State, 'object' | 'body'>;

const made = (kind: string, name: string, namespace: string, owners: string[] = [], more: JsonObject = {}): Whole => ({
  object: { group: typeof more.group === 'string' ? more.group : '', resource: `${kind.toLowerCase()}s`, kind, namespace, name, uid: name }, // prettier-ignore
  body: { kind, metadata: { name, ownerReferences: owners.map((uid) => ({ kind: 'X', name: uid, uid })) }, ...more },
});
const names = (root: Whole, others: Whole[]): string[] => dependentsOf(root, others).map(({ object }) => object.name);

describe('dependentsOf', () => {
  it('follows owners, and spares what has another one left', () => {
    const [web, rs, pod] = [made('Deployment', 'web', 'a'), made('ReplicaSet', 'rs', 'a', ['web']), made('Pod', 'pod', 'a', ['rs'])]; // prettier-ignore
    const shared = made('Pod', 'shared', 'a', ['rs', 'other']);
    const both = made('Pod', 'both', 'a', ['rs', 'web']);
    // In any order: what is owned may come before its owner.
    assert.deepEqual(names(web, [pod, shared, both, rs, web, made('Pod', 'free', 'a')]).sort(), ['both', 'pod', 'rs']);
  });

  it('takes all that is in a namespace, and what that owns elsewhere', () => {
    const elsewhere = made('Node', 'elsewhere', '', ['x']);
    const others = [made('Pod', 'x', 'shop'), made('Pod', 'y', 'other'), elsewhere];
    assert.deepEqual(names(made('Namespace', 'shop', ''), others), ['x', 'elsewhere']);
  });

  it('takes all objects of a definition', () => {
    const spec = { group: 'shop.example.com', names: { plural: 'features', kind: 'Feature' } };
    const definition = made('CustomResourceDefinition', 'features.shop.example.com', '', [], { spec });
    const others = [
      made('Feature', 'dark', 'shop', [], { group: 'shop.example.com' }),
      made('Feature', 'other', 'shop'),
    ];
    assert.deepEqual(names(definition, others), ['dark']);
  });
});

describe('isVital', () => {
  it('is of nodes and the namespaces of Kubernetes itself', () => {
    const ref = (resource: string, name: string, group = ''): ObjectRef => ({ group, resource, kind: '', namespace: '', name, uid: '' }); // prettier-ignore
    assert.ok(isVital(ref('nodes', 'any')) && isVital(ref('namespaces', 'kube-node-lease')));
    assert.ok(!isVital(ref('namespaces', 'shop')) && !isVital(ref('nodes', 'any', 'metrics.k8s.io')));
    assert.ok(!isVital(ref('configmaps', 'default')));
  });
});
