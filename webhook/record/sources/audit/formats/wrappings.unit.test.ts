import assert from 'node:assert/strict';
import { isObject } from '../../../../../shared/json.ts';
import type { Json, JsonObject } from '../../../../../shared/types.ts';
import { readEvent } from './event.ts';
import { eventsIn } from './wrappings.ts';

const DEPLOYMENT = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop', uid: '0b7e5a3c-4f5e-4a4e-9b0e-6f1c3d2e1a00', resourceVersion: '1042' },
  spec: { replicas: 3 },
};

/** An event as an API server writes it. */
function event(values: JsonObject = {}): JsonObject {
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'RequestResponse',
    auditID: '5b0c7c52-7f1e-4a6e-8f0a-9a1c2d3e4f50',
    stage: 'ResponseComplete',
    requestURI: '/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=kubectl-edit',
    verb: 'patch',
    user: { username: 'bob@example.com', groups: ['sre'] },
    sourceIPs: ['192.0.2.7'],
    userAgent: 'kubectl/v1.32.4',
    objectRef: { resource: 'deployments', namespace: 'shop', name: 'web', apiGroup: 'apps', apiVersion: 'v1' },
    responseStatus: { metadata: {}, code: 200 },
    requestObject: { spec: { replicas: 3 } },
    responseObject: DEPLOYMENT,
    requestReceivedTimestamp: '2026-11-22T05:00:00.100000Z',
    stageTimestamp: '2026-11-22T05:00:00.200000Z',
    ...values,
  };
}

/** What is told of the one request in a document. */
function told(document: Json): unknown {
  const requests = [...eventsIn(document)].map((each) => readEvent(each));
  return requests.map((request) =>
    typeof request === 'string'
      ? request
      : {
          id: request.record.id,
          who: request.actor.username,
          code: request.record.code,
          what: `${request.operation} ${request.object.group}/${request.object.resource}/${request.subresource} ${request.object.namespace}/${request.object.name}`,
          version: request.shown?.resourceVersion ?? null,
          from: request.record.sourceIPs,
          agent: request.record.userAgent,
          at: request.record.answeredAt,
        },
  );
}

const EXPECTED = {
  id: '5b0c7c52-7f1e-4a6e-8f0a-9a1c2d3e4f50',
  who: 'bob@example.com',
  code: 200,
  what: 'UPDATE apps/deployments/ shop/web',
  version: '1042',
  from: ['192.0.2.7'],
  agent: 'kubectl/v1.32.4',
  at: Date.parse('2026-11-22T05:00:00.200Z'),
};

describe('the wrappings of audit events', () => {
  const text = JSON.stringify(event());
  const wrappings: [name: string, document: Json][] = [
    ['an event', event()],
    [
      'an EventList, as an audit webhook posts it',
      { kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items: [event()] },
    ],
    [
      'an EventList whose items have no kind',
      {
        kind: 'EventList',
        apiVersion: 'audit.k8s.io/v1',
        items: [event({ kind: null, apiVersion: 'audit.k8s.io/v1' })],
      },
    ],
    ['a list', [event()]],
    ['a container runtime: log', { log: `${text}\n`, stream: 'stdout', time: '2026-11-22T05:00:01Z' }],
    ['fluentd: message', { '@timestamp': '2026-11-22T05:00:01Z', message: text }],
    ['a text in a text in a text', { message: JSON.stringify({ log: JSON.stringify(text) }) }],
    ['Elasticsearch: _source', { _index: 'audit', _source: { message: text } }],
    [
      'EKS, a subscription of CloudWatch Logs',
      {
        messageType: 'DATA_MESSAGE',
        owner: '123456789012',
        logGroup: '/aws/eks/shop/cluster',
        logStream: 'kube-apiserver-audit-0123456789abcdef0123456789abcdef',
        subscriptionFilters: ['audit'],
        logEvents: [{ id: '3760', timestamp: 1795323600200, message: text }],
      },
    ],
    [
      'EKS, aws logs filter-log-events',
      {
        events: [
          {
            logStreamName: 'kube-apiserver-audit-0123',
            timestamp: 1795323600200,
            message: text,
            ingestionTime: 1795323605000,
            eventId: '3760',
          },
        ],
        searchedLogStreams: [],
      },
    ],
    ['EKS, a line of CloudWatch Insights', { '@timestamp': '2026-11-22 05:00:00.200', '@message': text }],
    ['EKS, a line that was exported to S3', `2026-11-22T05:00:00.200Z ${text}`],
    [
      'AKS, a resource log in a storage account or an event hub',
      {
        records: [
          {
            operationName: 'Microsoft.ContainerService/managedClusters/diagnosticLogs/Read',
            category: 'kube-audit',
            ccpNamespace: '5f0000000000000000000000',
            resourceId:
              '/SUBSCRIPTIONS/00000000/RESOURCEGROUPS/SHOP/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/SHOP',
            properties: {
              log: `${text}\n`,
              stream: 'stdout',
              pod: 'kube-apiserver-77d9c4bf4b-8xk2l',
              containerID: '0123',
            },
            time: '2026-11-22T05:00:00.2000000Z',
          },
        ],
      },
    ],
    ['AKS, a line of a storage account', { category: 'kube-audit-admin', properties: { log: text } }],
    ['AKS, the table AzureDiagnostics', { Category: 'kube-audit', log_s: text }],
    [
      'AKS, the table AKSAudit',
      {
        TimeGenerated: '2026-11-22T05:00:01Z',
        Level: 'RequestResponse',
        AuditId: EXPECTED.id,
        Stage: 'ResponseComplete',
        RequestUri: '/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=kubectl-edit',
        Verb: 'patch',
        User: '{"username":"bob@example.com","groups":["sre"]}',
        SourceIps: '["192.0.2.7"]',
        UserAgent: 'kubectl/v1.32.4',
        ObjectRef: { resource: 'deployments', namespace: 'shop', name: 'web', apiGroup: 'apps', apiVersion: 'v1' },
        ResponseStatus: { code: 200 },
        ResponseObject: DEPLOYMENT,
        RequestReceivedTime: '2026-11-22T05:00:00.1000000Z',
        StageReceivedTime: '2026-11-22T05:00:00.2000000Z',
      },
    ],
    [
      'GKE, an entry of Cloud Logging',
      {
        insertId: '1b2c',
        logName: 'projects/shop/logs/cloudaudit.googleapis.com%2Factivity',
        labels: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
        operation: { id: EXPECTED.id, first: true, last: true, producer: 'k8s.io' },
        protoPayload: {
          '@type': 'type.googleapis.com/google.cloud.audit.AuditLog',
          authenticationInfo: { principalEmail: 'bob@example.com' },
          authorizationInfo: [
            {
              granted: true,
              permission: 'io.k8s.apps.v1.deployments.patch',
              resource: 'apps/v1/namespaces/shop/deployments/web',
            },
          ],
          methodName: 'io.k8s.apps.v1.deployments.patch',
          request: { '@type': 'k8s.io/Patch', spec: { replicas: 3 } },
          requestMetadata: { callerIp: '192.0.2.7', callerSuppliedUserAgent: 'kubectl/v1.32.4' },
          resourceName: 'apps/v1/namespaces/shop/deployments/web',
          response: { '@type': 'apps.k8s.io/v1.Deployment', metadata: DEPLOYMENT.metadata, spec: DEPLOYMENT.spec },
          serviceName: 'k8s.io',
          status: {},
        },
        receiveTimestamp: '2026-11-22T05:00:03Z',
        resource: {
          type: 'k8s_cluster',
          labels: { cluster_name: 'shop', location: 'europe-west1', project_id: 'shop' },
        },
        timestamp: '2026-11-22T05:00:00.200000Z',
      },
    ],
  ];
  for (const [name, document] of wrappings) {
    it(`are taken off: ${name}`, () => {
      assert.deepEqual(told(document), [EXPECTED]);
    });
  }

  it('what CloudWatch tells of itself is no event', () => {
    assert.deepEqual(
      told({ messageType: 'CONTROL_MESSAGE', logEvents: [{ id: '', timestamp: 1, message: 'CWL CONTROL MESSAGE' }] }),
      [],
    );
  });

  it('a refusal of GKE has its code, and names the scale of a deployment', () => {
    const [entry] = [
      ...eventsIn({
        operation: { id: 'a' },
        timestamp: '2026-11-22T05:00:00Z',
        protoPayload: {
          authenticationInfo: { principalEmail: 'bob@example.com' },
          methodName: 'io.k8s.apps.v1.deployments.scale.update',
          resourceName: 'apps/v1/namespaces/shop/deployments/web/scale',
          status: { code: 7, message: 'deployments.apps "web" is forbidden' },
        },
      }),
    ];
    const request = entry === undefined ? 'none' : readEvent(entry);
    assert.ok(typeof request !== 'string');
    assert.deepEqual(
      [request.record.code, request.record.message, request.operation, request.subresource, request.object.name],
      [403, 'deployments.apps "web" is forbidden', 'UPDATE', 'scale', 'web'],
    );
  });

  const unusable: [name: string, document: Json, message: string | RegExp][] = [
    ['a line of another log', { level: 'info', msg: 'started' }, 'a text without JSON in it'],
    [
      'an unknown document',
      { hello: 1 },
      'neither an audit event nor one of the wrappings that are known (docs/audit-logs.md)',
    ],
    [
      'a text that is cut off',
      { log: text.slice(0, 300) },
      // What follows depends on the version of Node.
      /^not valid JSON: Unterminated string in JSON at position 300/,
    ],
    ['a number', 7, 'not an object'],
  ];
  for (const [name, document, message] of unusable) {
    it(`${name} is told`, () => assert.throws(() => [...eventsIn(document)], { message }));
  }
});

describe('an audit event', () => {
  const read = (values: JsonObject) => {
    const request = readEvent(event(values));
    assert.ok(typeof request !== 'string', typeof request === 'string' ? request : '');
    return request;
  };

  it('is passed over where it is no request for a change, or not yet its end', () => {
    const cases: [values: JsonObject, why: string][] = [
      [{ stage: 'RequestReceived' }, 'another stage'],
      [{ stage: 'ResponseStarted' }, 'another stage'],
      [{ verb: 'list' }, 'a reading request'],
      [{ verb: 'get', responseStatus: { code: 404 } }, 'a reading request'],
      [{ verb: 'get', responseStatus: { code: 403 } }, 'a refused reading request'],
      [{ verb: 'watch', responseStatus: { code: 401 } }, 'a refused reading request'],
      [{ requestURI: '/healthz', objectRef: null, verb: 'create' }, 'about no object'],
      [{ requestURI: '/api/v1/namespaces/shop/pods?dryRun=All', verb: 'create' }, 'a dry run'],
      [{ verb: 'delete', requestObject: { kind: 'DeleteOptions', apiVersion: 'v1', dryRun: ['All'] } }, 'a dry run'],
    ];
    for (const [values, why] of cases) assert.equal(readEvent(event(values)), why);
  });

  it('names its object by the path of the request where the reference does not', () => {
    const { object, subresource } = read({
      objectRef: { resource: 'deployments', apiGroup: 'apps', apiVersion: 'v1', subresource: 'scale' },
      requestURI: '/apis/apps/v1/namespaces/shop/deployments/web/scale',
      responseObject: {
        apiVersion: 'autoscaling/v1',
        kind: 'Scale',
        metadata: DEPLOYMENT.metadata,
        spec: { replicas: 3 },
      },
    });
    assert.deepEqual(
      [object.namespace, object.name, object.uid, subresource],
      ['shop', 'web', DEPLOYMENT.metadata.uid, 'scale'],
    );
  });

  it('takes the name of what was to be made from the refusal, or else what it was to begin with', () => {
    const asked = { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'web-5d9c-' } };
    const common = {
      verb: 'create',
      objectRef: { resource: 'pods', namespace: 'shop', apiVersion: 'v1' },
      requestURI: '/api/v1/namespaces/shop/pods',
      requestObject: asked,
    };
    const refusal = (details: JsonObject): JsonObject => ({
      responseObject: null,
      responseStatus: { status: 'Failure', code: 403, reason: 'Forbidden', message: 'exceeded quota', details },
    });
    assert.equal(
      read({ ...common, ...refusal({ name: 'web-5d9c-x7k2p', kind: 'pods' }) }).object.name,
      'web-5d9c-x7k2p',
    );
    assert.equal(read({ ...common, ...refusal({ name: 'shop', kind: 'namespaces' }) }).object.name, 'web-5d9c-');
  });

  it('knows no body where the log was cut: known that, not what', () => {
    const cut = read({ annotations: { 'audit.k8s.io/truncated': 'true' }, requestObject: null, responseObject: null });
    assert.deepEqual([cut.record.level, cut.asked, cut.shown], ['Metadata', null, null]);
    const skipped = read({ responseObject: 'skipped-too-big-size-object' });
    assert.deepEqual([skipped.record.level, skipped.shown], ['Request', null]);
    assert.ok(isObject(skipped.asked));
  });

  it('keeps the list of a JSON patch as what was asked', () => {
    const asked = [{ op: 'replace', path: '/spec/replicas', value: 3 }];
    assert.deepEqual(read({ requestObject: asked }).asked, asked);
  });

  it('is of whom it was made in the name of, and names who made it', () => {
    const { actor, record } = read({ impersonatedUser: { username: 'carol@example.com', groups: ['system:masters'] } });
    assert.deepEqual(
      [actor.username, record.user.username, record.impersonator?.username],
      ['carol@example.com', 'carol@example.com', 'bob@example.com'],
    );
  });

  it('of an exec is a CONNECT with its command, told when it begins', () => {
    const request = readEvent(
      event({
        stage: 'ResponseStarted',
        verb: 'get',
        requestURI:
          '/api/v1/namespaces/shop/pods/web-0/exec?command=sh&command=-c&command=id&container=web&stdin=true&tty=true',
        objectRef: { resource: 'pods', namespace: 'shop', name: 'web-0', apiVersion: 'v1', subresource: 'exec' },
        responseStatus: { code: 101 },
        requestObject: null,
        responseObject: null,
      }),
    );
    assert.ok(typeof request !== 'string');
    assert.deepEqual(
      [request.operation, request.subresource, request.options],
      ['CONNECT', 'exec', { command: ['sh', '-c', 'id'], container: 'web', stdin: true, tty: true }],
    );
  });

  const broken: [what: string, values: JsonObject, message: string][] = [
    ['no id', { auditID: '' }, 'auditID is missing'],
    ['no user', { user: null }, 'user is missing'],
    ['no time', { stageTimestamp: null }, 'stageTimestamp is missing'],
    [
      'a time without a zone',
      { stageTimestamp: '2026-11-22 05:00:00' },
      'stageTimestamp is not an RFC 3339 time with a zone, as 2026-03-03T14:32:10Z',
    ],
    ['an unknown level', { level: 'All' }, 'level is "All", expected one of Metadata, Request, RequestResponse'],
  ];
  for (const [what, values, message] of broken) {
    it(`with ${what} is an error that names the field`, () => {
      assert.throws(() => readEvent(event(values)), {
        code: 'audit-invalid',
        message: `not a usable audit event: ${message}`,
      });
    });
  }
});
