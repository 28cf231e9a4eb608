import assert from 'node:assert/strict';
import { edgesBetween, made } from '../../testing/said.ts';

const NAMESPACES = ['shop', 'infra'].map((name) => made('v1', 'Namespace', name, {}, { namespace: '' }));
const SERVICES = [
  made('v1', 'Service', 'api', { spec: { ports: [{ port: 8080 }] } }),
  made('v1', 'Service', 'on', { spec: { ports: [{ port: 80 }] } }),
  made('v1', 'Service', 'http', { spec: { ports: [{ port: 80 }] } }),
  made('v1', 'Service', 'db', { spec: { clusterIP: 'None', ports: [{ port: 5432 }] } }),
  made('v1', 'Service', 'logs', { spec: { ports: [{ port: 9200 }] } }, { namespace: 'infra' }),
  made('apps/v1', 'StatefulSet', 'db', { spec: { serviceName: 'db' } }),
];

/** What a value in the environment names. */
function named(value: string): string[] {
  const pod = made('v1', 'Pod', 'web', { spec: { containers: [{ name: 'c', env: [{ name: 'A', value }] }] } });
  const lines = edgesBetween(pod, ...NAMESPACES, ...SERVICES).filter((line) => / (names|crosses) /.test(line));
  return lines.map((line) => line.replace(/^pod shop\/web names service /, ''));
}

describe('values that name a Service', () => {
  for (const [value, ...expected] of [
    ['http://api:8080', 'shop/api inferred'],
    ['http://api', 'shop/api inferred'],
    ['http://api/v1?next=http://logs.infra:9200/x', 'shop/api inferred', 'infra/logs inferred'],
    ['api:8080', 'shop/api inferred'],
    ['api:9999'],
    ['api'],
    ['on'],
    ['http'],
    ['logs.infra', 'infra/logs inferred'],
    ['logs.infra:9200', 'infra/logs inferred'],
    ['logs.infra.svc', 'infra/logs inferred'],
    ['logs.infra.svc.cluster.local:9200', 'infra/logs inferred'],
    ['logs.shop'],
    ['http://logs.shop', 'shop/logs unresolved !object'],
    ['logs.shop.svc', 'shop/logs unresolved !object'],
    ['http://example.com'],
    ['postgres://user:p%40ss@db:5432/shop', 'shop/db inferred'],
    ['jdbc:postgresql://db.shop.svc:5432/shop', 'shop/db inferred'],
    ['user:pass@tcp(db:5432)/shop', 'shop/db inferred'],
    ['db-0.db', 'shop/db inferred'],
    ['db-0.db:5432,db-1.db:5432', 'shop/db inferred', 'shop/db inferred'],
    ['db-0.db.shop.svc.cluster.local', 'shop/db inferred'],
    ['other-0.db:5432'],
    ['web-0.api:8080'],
    ['http://10.0.0.1:8080'],
    ['registry.example.com/api:8080'],
    ['see logs.infra for more', 'infra/logs inferred'],
    ['redacted:0123456789ab'],
    ['https://api.shop.svc.clusterset.local', 'pod shop/web crosses serviceimport shop/api unresolved !object'],
  ]) {
    it(`${value} names ${expected.join(' and ') || 'nothing'}`, () => {
      assert.deepEqual(named(value ?? ''), expected);
    });
  }

  it('are found in the ConfigMaps that a pod reads, and of one of which it reads a key only there', () => {
    const config = made('v1', 'ConfigMap', 'conf', {
      data: {
        'nginx.conf': 'proxy_pass http://api:8080;',
        other: 'host: logs.infra\nport: 80\n',
        code: 'x = logs.infra.y',
      },
    });
    const pod = (spec: object): string[] =>
      edgesBetween(made('v1', 'Pod', 'web', { spec: spec as never }), config, ...NAMESPACES, ...SERVICES).filter((line) => line.includes(' names ')); // prettier-ignore
    const api = 'pod shop/web names service shop/api inferred';
    const logs = 'pod shop/web names service infra/logs inferred';
    assert.deepEqual(pod({ volumes: [{ name: 'v', configMap: { name: 'conf' } }] }), [api, logs]);
    assert.deepEqual(pod({ containers: [{ name: 'c', envFrom: [{ configMapRef: { name: 'conf' } }] }] }), [api, logs]);
    const env = [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'conf', key: 'other' } } }];
    assert.deepEqual(pod({ containers: [{ name: 'c', env }] }), [logs]);
  });
});
