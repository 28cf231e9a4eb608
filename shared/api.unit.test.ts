import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeError, encodeError } from './api.ts';
import { KubeblameError } from './errors.ts';
import { QUESTIONS } from './questions/table.ts';
import type { ChangeQuery, Scope } from './types.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 8 });
const moment = fc.maxSafeInteger();
const flag = fc.boolean();
const plain = { noNullPrototype: true };

const scope = fc
  .record(
    {
      type: fc.record({ group: text, resource: fc.string({ minLength: 1 }) }, plain),
      namespace: text,
      names: fc.array(text, { minLength: 1, maxLength: 3 }),
      labels: text,
    },
    { requiredKeys: [], ...plain },
  )
  .chain((value): fc.Arbitrary<Scope> =>
    'namespace' in value
      ? fc.record({ withNamespaceObject: flag }, { requiredKeys: [], ...plain }).map((more) => ({ ...value, ...more }))
      : fc.constant(value as Scope),
  );
const limit = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });

/** Through the text of a URL, as on the wire. */
function wire(search: URLSearchParams): URLSearchParams {
  return new URL(`https://kubeblame/?${search.toString()}`).searchParams;
}

describe('the read API', () => {
  it('carries every query unchanged', () => {
    const texts = fc.array(text, { minLength: 1, maxLength: 3 });
    const changes = fc.record(
      {
        scope,
        limit: limit(QUESTIONS.changes.limits.max),
        since: moment,
        until: moment,
        ...{ users: texts, userGroups: texts, managers: texts, operations: texts, excludeUsers: texts },
        field: text,
        status: flag,
        attempts: flag,
        bodies: flag,
        causes: flag,
        before: moment,
        after: moment,
        seqs: fc.array(moment, { minLength: 1, maxLength: 3 }),
      },
      { requiredKeys: ['scope', 'limit'], ...plain },
    );
    const states = fc.record(
      { scope, at: moment, limit: limit(500), continue: text },
      { requiredKeys: ['scope', 'at', 'limit'], ...plain },
    );
    const differences = fc.record(
      { scope, from: moment, to: moment, limit: limit(500), continue: text },
      { requiredKeys: ['scope', 'from', 'to', 'limit'], ...plain },
    );
    const blames = fc.record(
      {
        ...{ scope, at: moment, limit: limit(QUESTIONS.blame.limits.max), field: text, removed: flag, humans: flag },
        ...{ ignore: fc.array(text, { minLength: 1, maxLength: 3 }), continue: text },
      },
      { requiredKeys: ['scope', 'at', 'limit'], ...plain },
    );
    const objects = fc.record({ scope, limit: limit(1000) }, plain);
    const users = fc.record(
      { scope, since: moment, until: moment, status: flag },
      { requiredKeys: ['scope'], ...plain },
    );
    fc.assert(
      fc.property(
        changes,
        states,
        differences,
        blames,
        objects,
        users,
        (change, state, difference, blame, object, user) => {
          assert.deepEqual(QUESTIONS.users.codec.decode(wire(QUESTIONS.users.codec.encode(user))), user);
          assert.deepEqual(QUESTIONS.changes.codec.decode(wire(QUESTIONS.changes.codec.encode(change))), change);
          assert.deepEqual(QUESTIONS.states.codec.decode(wire(QUESTIONS.states.codec.encode(state))), state);
          assert.deepEqual(
            QUESTIONS.differences.codec.decode(wire(QUESTIONS.differences.codec.encode(difference))),
            difference,
          );
          assert.deepEqual(QUESTIONS.blame.codec.decode(wire(QUESTIONS.blame.codec.encode(blame))), blame);
          assert.deepEqual(QUESTIONS.objects.codec.decode(wire(QUESTIONS.objects.codec.encode(object))), object);
        },
      ),
    );
  });

  it('carries questions about the graph unchanged', () => {
    const blow = fc.constantFrom('gone' as const, 'changed' as const);
    const hops = fc.integer({ min: 1, max: 20 });
    const impact = fc.record({ scope, at: moment, blow, hops }, { requiredKeys: ['scope', 'at', 'blow'], ...plain });
    fc.assert(
      fc.property(moment, impact, (at, query) => {
        assert.deepEqual(QUESTIONS.graph.codec.decode(wire(QUESTIONS.graph.codec.encode({ at }))), { at });
        const { labels: _, ...unlabelled } = query.scope;
        const asked = { ...query, scope: unlabelled };
        assert.deepEqual(QUESTIONS.impact.codec.decode(wire(QUESTIONS.impact.codec.encode(asked))), asked);
      }),
    );
  });

  it('carries a question about applications unchanged', () => {
    const { codec } = QUESTIONS.applications;
    const application = fc.record({ at: moment, name: text }, { requiredKeys: ['at'], ...plain });
    fc.assert(fc.property(application, (query) => assert.deepEqual(codec.decode(wire(codec.encode(query))), query)));
    const rules = '- {where: {namespace: shop}, team: sellers}';
    assert.deepEqual(codec.decode(wire(codec.encode({ at: 1, rules }))), { at: 1, rules });
    assert.throws(() => codec.decode(new URLSearchParams('at=1&rules=x')), {
      code: 'query-invalid',
      message: /^the query parameter rules cannot be used: ./,
    });
    assert.throws(() => codec.encode({ at: 1, rules: '#'.repeat(4001) }), {
      code: 'usage-invalid',
      message: '--rules: a server takes at most 4000 characters',
    });
  });

  it('tells which parameters there are', () => {
    for (const [search, question, hint] of [
      ['x=1', QUESTIONS.info, 'this question has none'],
      ['x=1', QUESTIONS.graph, 'known ones: at'],
      [
        'x=1',
        QUESTIONS.objects,
        'known ones: group, resource, namespace, withNamespaceObject, name, labels, application, team, rules, rulesThen, limit',
      ],
    ] as const)
      assert.throws(() => question.codec.decode(new URLSearchParams(search)), {
        ...{ code: 'query-invalid', message: 'unknown query parameter "x"', hint },
      });
  });

  it('keeps to itself what is no question to a server', () => {
    const query = { scope: {}, limit: 1, causes: true, folded: true };
    assert.equal(QUESTIONS.changes.codec.encode(query).toString(), 'causes=true&limit=1');
  });

  it('refuses an impact that it cannot tell', () => {
    for (const [search, message] of [
      ['at=1&blow=broken', 'the query parameter blow must be gone or changed'],
      ['at=1&hops=0', 'the query parameter hops must be from 1 to 20'],
      ['at=1&labels=a', 'the query parameter labels is not asked for here'],
      ['blow=gone', 'the query parameter at is missing: ms since the epoch'],
    ] as const)
      assert.throws(() => QUESTIONS.impact.codec.decode(new URLSearchParams(search)), {
        code: 'query-invalid',
        message,
      });
  });

  it('is written as people would write it', () => {
    const query: ChangeQuery = {
      scope: { type: { group: 'apps', resource: 'deployments' }, namespace: 'shop', names: ['web', 'api'] },
      limit: 50,
      status: true,
    };
    assert.equal(
      QUESTIONS.changes.codec.encode(query).toString(),
      'group=apps&resource=deployments&namespace=shop&name=web&name=api&status=true&limit=50',
    );
  });

  it('fills in the limit, and nothing else', () => {
    assert.deepEqual(QUESTIONS.changes.codec.decode(new URLSearchParams()), { scope: {}, limit: 50 });
    assert.deepEqual(QUESTIONS.changes.codec.decode(new URLSearchParams('resource=pods')), {
      scope: { type: { group: '', resource: 'pods' } },
      limit: 50,
    });
  });

  it('carries several users, groups, managers and operations', () => {
    const query = {
      ...{ users: ['a*', 'b'], userGroups: ['dev'], managers: ['kubectl*'], operations: ['update/scale'] },
      excludeUsers: ['system:*'],
      scope: { type: { group: 'apps', resource: 'deployments' } },
      limit: 7,
    };
    const search = QUESTIONS.changes.codec.encode(query);
    assert.equal(search.toString().includes('userGroup=dev&manager=kubectl*&operation=update%2Fscale'), true);
    assert.deepEqual(QUESTIONS.changes.codec.decode(search), query);
  });

  it('refuses what it does not understand, by name', () => {
    for (const [search, message] of [
      ['limt=5', 'unknown query parameter "limt"'],
      ['limit=0', 'the query parameter limit must be from 1 to 1000'],
      ['limit=1001', 'the query parameter limit must be from 1 to 1000'],
      ['limit=5.5', 'the query parameter limit must be an integer'],
      ['since=2h', 'the query parameter since must be an integer'],
      ['before=9007199254740993', 'the query parameter before must be an integer'],
      ['status=1', 'the query parameter status must be true or false'],
      ['field=a&field=b', 'the query parameter field is given more than once'],
      ['group=apps', 'the query parameter group needs the parameter resource'],
      ['resource=', 'the query parameter resource is empty'],
      ['waitMs=1', 'the query parameter waitMs needs the parameter after'],
      ['after=1&waitMs=30001', 'the query parameter waitMs must be at most 30000'],
      ['seq=1&seq=x', 'the query parameter seq must be an integer'],
      ['withNamespaceObject=true', 'the query parameter withNamespaceObject needs the parameter namespace'],
    ] as const) {
      assert.throws(() => QUESTIONS.changes.codec.decode(new URLSearchParams(search)), {
        code: 'query-invalid',
        message,
      });
    }
    assert.throws(() => QUESTIONS.states.codec.decode(new URLSearchParams()), {
      message: 'the query parameter at is missing: ms since the epoch',
    });
  });
});

describe('an error on the wire', () => {
  it('keeps code, message and hint', () => {
    const error = new KubeblameError('time-uncovered', 'too early', 'later');
    assert.deepEqual(encodeError(error), { error: { code: 'time-uncovered', message: 'too early', hint: 'later' } });
    assert.deepEqual(decodeError(encodeError(error)), error);
  });

  it('becomes server-error where the code is unknown, and null where it is none', () => {
    assert.equal(decodeError({ error: { code: 'toString', message: 'x' } })?.code, 'server-error');
    for (const body of [null, [], {}, { error: 'x' }, { error: { code: 1, message: 'x' } }]) {
      assert.equal(decodeError(body), null);
    }
  });
});
