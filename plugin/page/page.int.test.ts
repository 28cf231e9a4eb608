import assert from 'node:assert/strict';
import { request, type IncomingHttpHeaders } from 'node:http';
import { gzipSync } from 'node:zlib';
import { stringifyJson } from '../../shared/json.ts';
import { shopMarks } from '../../shared/testing/shop.ts';
import type { Json, LedgerReader, ObjectRef } from '../../shared/types.ts';
import { landscapeMarks } from '../../webhook/testing/ledgers/landscape-ledger.ts';
import { ask as askCommand } from '../testing/ask.ts';
import { compareMoments, impactRows, tableOf } from '../ui/worker/tells.ts';
import { mapOf } from '../ui/worker/boxes.ts';
import { nodeId, World } from '../ui/worker/world.ts';
import { pageFiles } from './assets.ts';
import { TOKEN_HEADER } from './guard.ts';
import { startPageServer } from './server.ts';
import { recordedLedger, servePage, type ServedPage } from './testing/page.ts';
import { changesOfWindow, snapshotOf } from './window.ts';
import type { ActLine, ChangesOfWindow, DiffPage, PageLine, StoryPage, UndoPage } from './wire.ts';

const NOW = Date.parse('2026-12-01T12:00:00Z');

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

describe('the page of kubectl blame ui', function () {
  this.timeout(60_000);
  const pages = new Map<string, ServedPage>();
  const worlds = new Map<string, World>();
  before(async () => {
    for (const name of ['shop', 'west'] as const) {
      const served = await servePage(await recordedLedger(name), () => NOW);
      pages.set(name, served);
      worlds.set(name, (await load(served.reader)).world);
    }
  });
  after(async () => {
    for (const page of pages.values()) await page.close();
  });
  const page = (name: string): ServedPage => {
    const found = pages.get(name);
    assert.ok(found !== undefined);
    return found;
  };

  const worldOf = (name: string): World => {
    const found = worlds.get(name);
    assert.ok(found !== undefined);
    return found;
  };

  function get(name: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
    const { origin, token } = page(name).server;
    return new Promise((resolve, reject) => {
      const sent = request(`${origin}${path}`, { headers: { [TOKEN_HEADER]: token, ...headers } }, (response) => {
        let text = '';
        response.on('data', (part: Buffer) => (text += part.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  async function ask<T>(name: string, path: string): Promise<T> {
    const { status, text } = await get(name, path);
    assert.equal(status, 200, text);
    return JSON.parse(text) as T;
  }

  /** All of a ledger, as the page loads it: what exists now, then what happened, newest first. */
  async function load(reader: LedgerReader): Promise<{ world: World; acts: ActLine[] }> {
    const world = new World();
    world.start(await snapshotOf(reader, null, NOW));
    const acts: ActLine[] = [];
    for (let before: number | null | undefined; before !== null;) {
      const { turns, objects, next, ...rest }: ChangesOfWindow = await changesOfWindow(reader, { limit: 300, ...(before === undefined ? {} : { before }) }); // prettier-ignore
      world.add(turns.map((turn) => ({ ...turn, object: objects[turn.object] as ObjectRef })));
      acts.push(...rest.acts);
      before = next;
    }
    return { world, acts };
  }

  it('draws from one load of facts what the ledger answers at each mark, forwards and backwards', async () => {
    for (const [name, marks] of [
      ['shop', shopMarks()],
      ['west', landscapeMarks()],
    ] as const) {
      // prettier-ignore
      const { reader } = page(name);
      const world = worldOf(name);
      for (const { mark, at } of marks) {
        const { objects, graph, applications } = world.at(world.index(at));
        const told = await reader.facts({ at });
        assert.equal(stringifyJson(objects as unknown as Json), stringifyJson(told.objects as unknown as Json), `${name} ${mark}`); // prettier-ignore
        const recorded = await reader.graph({ at });
        assert.deepEqual(graph, { nodes: recorded.nodes, edges: recorded.edges }, `${name} ${mark}`);
        const { applications: wanted } = await reader.applications({ at });
        assert.deepEqual(applications.applications.map(({ members: _, ...each }) => each), wanted, `${name} ${mark}`); // prettier-ignore
      }
      // Backwards, in one that remembers nothing.
      const indices = marks.map(({ at }) => world.index(at));
      const forwards = indices.map((index) => stringifyJson(world.at(index).objects as unknown as Json));
      const { world: again } = await load(reader);
      const backwards = indices.toReversed().map((index) => stringifyJson(again.at(index).objects as unknown as Json));
      assert.deepEqual(backwards.toReversed(), forwards);
    }
  });

  it('shows all edges in the table, and in the map each application once', async () => {
    const world = worldOf('west');
    const moment = world.at(world.index(landscapeMarks().at(-3)?.at ?? 0));
    const { edges, applications } = tableOf(moment);
    assert.equal(edges.length, moment.graph.edges.length);
    const { boxes, lines } = mapOf(moment, { level: 'apps', focus: { kind: 'all' } });
    assert.deepEqual(
      boxes.filter(({ kind }) => kind === 'app').map(({ title }) => title).sort(),
      applications.map(({ name }) => name).sort(),
    ); // prettier-ignore
    const catalog = boxes.find(({ title }) => title === 'shop-catalog');
    assert.deepEqual([catalog?.teams, catalog?.release, catalog?.missing], [['storefront'], '24.4.0', ['shared', 'catalog-config']]); // prettier-ignore
    assert.equal(lines.find(({ id }) => id === 'app:checkout→app:payments')?.certainty, 'inferred');
    assert.deepEqual(lines.filter(({ from }) => from.startsWith('host:')).map(({ id }) => id).sort(), ['host:api.shop.example.com→app:shop-web', 'host:shop.example.com→app:shop-web']); // prettier-ignore
  });

  it('tells the impact of a ConfigMap as the command line does, and what two moments differ in', async () => {
    const { reader } = page('west');
    const world = worldOf('west');
    const [before, after] = [landscapeMarks()[1]?.at ?? 0, landscapeMarks()[6]?.at ?? 0];
    const moment = world.at(world.index(after));
    const id = 'object:/ConfigMap/storefront/catalog-config';
    const scope = { type: { group: '', resource: 'configmaps' }, namespace: 'storefront', names: ['catalog-config'] };
    const { nodes, reached } = await reader.impact({ scope, at: after, blow: 'gone' });
    const told = impactRows(moment, id, true)?.rows.map(({ id, effect, certainty }) => `${id} ${effect} ${certainty}`);
    assert.deepEqual(told, reached.map(({ node, effect, certainty }) => `${nodeId(nodes[node] ?? { is: 'host', name: '' })} ${effect} ${certainty}`)); // prettier-ignore
    assert.ok((told ?? []).length > 2);
    const { applications } = compareMoments(world.at(world.index(before)), moment, {
      level: 'apps',
      focus: { kind: 'all' },
    });
    assert.deepEqual(applications.filter(({ name }) => name === 'checkout'), [{ name: 'checkout', what: ['releases: 24.3.0 → 24.4.0'] }]); // prettier-ignore
  });

  it('answers the questions of the read API as the reader does, and those of its own', async () => {
    const at = Date.parse('2026-11-22T05:07:06Z');
    const { reader } = page('shop');
    const query = `resource=deployments&group=apps&namespace=shop&name=web&at=${at}`;
    assert.equal((await get('shop', `/api/v1/states?${query}`)).text, stringifyJson((await reader.states({ scope: { type: { group: 'apps', resource: 'deployments' }, namespace: 'shop', names: ['web'] }, at, limit: 100 })) as unknown as Json)); // prettier-ignore
    const { lines } = await ask<{ lines: PageLine[] }>('shop', `/page/lines?${query}`);
    const image = lines.find(({ text }) => text.includes('image: '));
    assert.deepEqual(
      [image?.text.trim(), image?.who],
      ['image: registry.example.com/shop/web:24.2.1', 'bob@example.com'],
    );
    const story = await ask<StoryPage>('shop', '/page/story?user=bob@example.com&limit=1');
    assert.deepEqual([story.acts[0]?.who, story.acts[0]?.text, story.more], ['bob@example.com', 'deleted deployment shop/web  → 5 replicasets, 3 pods gone', true]); // prettier-ignore
    const scope = 'resource=configmaps&namespace=shop&name=web-config';
    const diff = await ask<DiffPage>('shop', `/page/diff?${scope}&from=${at - 60_000}&to=${at}`);
    const changed = diff.hunks.flatMap(({ rows }) => rows).filter(({ before, after }) => before?.text !== after?.text);
    assert.ok(
      changed.some(({ before, after }) => before?.text === '  LOG_LEVEL: info' && after?.text === '  LOG_LEVEL: debug'),
    );
    const undo = await ask<UndoPage>('west', '/page/undo?seq=1147');
    assert.deepEqual(
      [undo.command.split(' | ')[0], undo.notes.includes('nothing has been applied')],
      ['kubectl blame undo 1147', true],
    );
  });

  it('refuses what is not of the page, over HTTP too, and tells no data without the key', async () => {
    for (const path of ['/api/v1/info', '/page/snapshot', '/page/changes', '/api/v1/nothing', '/nowhere']) {
      assert.equal((await get('shop', path, { [TOKEN_HEADER]: 'x' })).status, 401, path);
      assert.equal((await get('shop', path, { Host: 'evil.example' })).status, 421, path);
      const other = await get('shop', path, { 'Sec-Fetch-Site': 'cross-site', Origin: 'http://evil.example' });
      assert.deepEqual([other.status, other.headers['access-control-allow-origin']], [403, undefined], path);
    }
    assert.equal((await get('shop', '/nowhere')).status, 404);
    assert.equal((await get('shop', '/page/__proto__')).status, 404);
    assert.equal((await get('shop', '/page/lines?at=x')).status, 400);
    assert.equal((await get('shop', '/page/change?seq=999999')).status, 400);
    const start = await get('shop', '/', { [TOKEN_HEADER]: '' });
    assert.deepEqual([start.status, start.text.includes(page('shop').server.token)], [200, false]);
    assert.match(String(start.headers['content-security-policy']), /^default-src 'none'; /);
    assert.equal(start.headers['cache-control'], 'no-store');
  });

  it('is started by the command, which prints the address and ends when it is interrupted', async () => {
    const words = ['ui', '--no-open', '--db', await recordedLedger('shop')];
    const { code, out, err } = await askCommand(words, { interrupted: AbortSignal.abort() });
    assert.match(out, /^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{32}\n$/);
    assert.match(err, /^# the page of shop is at this address, for you alone/);
    assert.equal(code, 0);
    const refused = await askCommand(['ui', '--port', '70000']);
    assert.deepEqual([refused.code, refused.err.split('\n')[0]], [2, "error: --port <port>: '70000' is not valid. It must be a number from 0 to 65535."]); // prettier-ignore
  });

  it('listens on the loopback address alone, and says where a port is taken', async () => {
    const { origin } = page('shop').server;
    assert.match(origin, /^http:\/\/127\.0\.0\.1:\d+$/);
    const port = Number(new URL(origin).port);
    await assert.rejects(startPageServer({ port, files: new Map(), answer: () => null }), {
      code: 'usage-invalid',
      message: `--port ${port}: another program listens there`,
    });
  });

  it('is at most 90 kB, compressed, and loads nothing from elsewhere', async () => {
    const files = [...(await pageFiles()).values()];
    const size = files.reduce((sum, { text }) => sum + gzipSync(text).length, 0);
    assert.ok(size <= 90_000, `${size} bytes`);
    // Names of namespaces are no addresses that are loaded.
    const addresses = files.flatMap(({ text }) => text.match(/\b(?:https?|wss?):\/\/[\w.-]+/g) ?? []);
    assert.deepEqual([...new Set(addresses)], ['http://www.w3.org']);
  });
});
