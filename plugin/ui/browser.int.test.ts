import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { shopMarks } from '../../shared/testing/shop.ts';
import { configMap } from '../../shared/testing/reviews.ts';
import { nodeText } from '../../shared/testing/node-text.ts';
import { useSharedFolder } from '../../webhook/testing/folder.ts';
import { LANDSCAPE, landscapeMarks } from '../../webhook/testing/ledgers/landscape-ledger.ts';
import { TestRecorder } from '../../webhook/testing/ledgers/recorder.ts';
import { useBrowser } from '../page/testing/browser.ts';
import { recordedLedger, servePage, type ServedPage } from '../page/testing/page.ts';

const NOW = Date.parse('2026-12-01T12:00:00Z');
const INCIDENT = 'at=2026-11-30T13:20:04.226Z';

interface WantedEdge {
  mark: string;
  cluster: string;
  from: string;
  relation: string;
  to: string;
  certainty: string;
  exists: boolean;
}

interface WantedApplication {
  mark: string;
  cluster: string;
  application: string;
  manager?: string;
  members?: string[];
  exposed?: string[];
  release?: string;
  revision?: string;
  chart?: string;
  conflict?: string;
}

function wanted<T>(name: string): T[] {
  const lines = readFileSync(join(LANDSCAPE, name), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}

describe('the page in a browser', function () {
  this.timeout(60_000);
  const browser = useBrowser();
  const file = useSharedFolder();
  const served = new Map<string, ServedPage>();
  const faults: string[] = [];
  before(async () => {
    for (const name of ['west', 'east', 'shop'] as const)
      served.set(name, await servePage(await recordedLedger(name), () => NOW));
  });
  after(async () => {
    for (const page of served.values()) await page.close();
  });
  afterEach(() => assert.deepEqual(faults.splice(0), []));

  const of = (name: string): ServedPage => {
    const page = served.get(name);
    assert.ok(page !== undefined);
    return page;
  };

  /** Opens a link to the page, and waits until all is loaded. Whatever a script complains of is a fault. */
  async function open(name: string, link = '', page?: Page): Promise<Page> {
    const tab = page ?? (await browser.page());
    tab.on('pageerror', (error) => faults.push(error.stack ?? error.message));
    tab.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())));
    await tab.goto(`${of(name).server.url}${link === '' ? '' : `&${link}`}`);
    await loadedIn(tab);
    return tab;
  }

  async function loadedIn(tab: Page): Promise<void> {
    await tab.waitForFunction(() => /^[\d,]+ changes?$/.test(document.querySelector('.counts')?.textContent ?? ''));
  }

  /** Goes to a link without loading the page anew. */
  async function go(tab: Page, link: string): Promise<void> {
    await tab.evaluate((link) => void (location.hash = link), link);
    await tab.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  }

  /** The tables of edges and applications at a moment, when they are those of this moment. */
  async function tables(tab: Page, at: number) {
    await go(tab, `at=${new Date(at).toISOString()}&view=table`);
    await tab.waitForSelector(`.page-view [data-at="${at}"]`);
    return tab.evaluate(() => ({
      edges: [...document.querySelectorAll('#edges tbody tr')].map((row) => [...row.querySelectorAll('td')].slice(0, 4).map((cell) => cell.textContent ?? '').join(' ')), // prettier-ignore
      applications: [...document.querySelectorAll('#applications tbody tr')].map((row) => {
        const [name, teams, release, managers, , exposed] = [...row.querySelectorAll('td')].map(
          (cell) => cell.textContent ?? '',
        );
        const members = [...row.querySelectorAll('li')].map(
          ({ dataset }) => ({ ...dataset }) as Record<string, string>,
        );
        return { name, teams, release, managers, exposed, members };
      }),
    }));
  }

  it('shows at each mark of the landscape the edges and applications that were written down by hand', async () => {
    const [edges, applications] = [
      wanted<WantedEdge>('edges.ndjson'),
      wanted<WantedApplication>('applications.ndjson'),
    ];
    const wrong: unknown[] = [];
    const counts = { edges: 0, applications: 0 };
    for (const cluster of ['west', 'east']) {
      const tab = await open(cluster, 'view=table');
      for (const { mark, at } of landscapeMarks()) {
        const shown = await tables(tab, at);
        const found = new Set(shown.edges);
        for (const edge of edges.filter((each) => each.mark === mark && each.cluster === cluster)) {
          // Into another cluster only several ledgers together tell.
          if (/^(?:east|west) /.test(edge.to) || edge.relation === 'crosses') continue;
          counts.edges++;
          if (found.has(`${edge.from} ${edge.relation} ${edge.to} ${edge.certainty}`) !== edge.exists) wrong.push(edge);
        }
        for (const line of applications.filter((each) => each.mark === mark && each.cluster === cluster)) {
          counts.applications++;
          const application = shown.applications.find(({ name }) => name === line.application);
          const values = (key: string): string[] => [...new Set(application?.members.map((each) => each[key] ?? '') ?? [])].filter((each) => each !== ''); // prettier-ignore
          const holds =
            application !== undefined &&
            (line.manager === undefined || application.managers === line.manager) &&
            (line.release === undefined || application.release === line.release) &&
            (line.exposed ?? []).every((host) => application.exposed?.split(' ').includes(host)) &&
            (line.members ?? []).every((member) => values('member').includes(member)) &&
            (line.revision === undefined || values('revision').includes(line.revision)) &&
            (line.chart === undefined || values('chart').includes(line.chart)) &&
            (line.conflict === undefined || values('conflict').includes(line.conflict));
          if (!holds) wrong.push({ line, application });
        }
      }
      await tab.context().close();
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(counts, { edges: 426, applications: 44 });
  });

  it('shows at each mark of the shop the edges that the ledger answers', async () => {
    const tab = await open('shop', 'view=table');
    for (const { mark, at } of shopMarks()) {
      const { nodes, edges } = await of('shop').reader.graph({ at });
      const told = edges.map(({ from, relation, to, certainty }) => `${nodeText(nodes[from])} ${relation} ${nodeText(nodes[to])} ${certainty}`); // prettier-ignore
      assert.deepEqual((await tables(tab, at)).edges, told, mark);
    }
    await tab.context().close();
  });

  it('is dragged over the whole recording without a request, and no box moves', async () => {
    const tab = await open('west', INCIDENT);
    await tab.waitForSelector('.box');
    const requests: string[] = [];
    tab.on('request', (request) => requests.push(request.url()));
    const places = () => tab.evaluate(() => Object.fromEntries([...document.querySelectorAll('.box')].map((box) => [box.getAttribute('data-id') ?? '', box.getAttribute('transform') ?? '']))); // prettier-ignore
    const first = await places();
    const seen: Record<string, string> = { ...first };
    const scale = await tab.locator('.time').boundingBox();
    assert.ok(scale !== null);
    const y = scale.y + scale.height / 2;
    await tab.mouse.move(scale.x + 5, y);
    await tab.mouse.down();
    const releases = new Set<string>();
    for (let step = 0; step <= 60; step++) {
      await tab.mouse.move(scale.x + 5 + ((scale.width - 10) * step) / 60, y);
      await tab.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
      for (const [id, place] of Object.entries(await places())) {
        seen[id] ??= place;
        assert.equal(place, seen[id], id);
      }
      releases.add(
        await tab.evaluate(() => document.querySelector('.box[data-id="app:checkout"] .third')?.textContent ?? ''),
      );
    }
    await tab.mouse.up();
    assert.ok([...releases].some((text) => text.includes('24.3.0')) && [...releases].some((text) => text.includes('24.4.0')), [...releases].join()); // prettier-ignore
    // The page's icon is the browser's own request, which may come late.
    const own = requests.filter((url) => !url.includes('waitMs') && !url.endsWith('/icon.svg'));
    assert.deepEqual(own, []);
    await tab.context().close();
  });

  it('shows the same where its link is opened in another browser, and nothing without the key', async () => {
    const tab = await open(
      'west',
      `${INCIDENT}&focus=app:shop-catalog&sel=object:apps/Deployment/storefront/catalog&tab=uses`,
    );
    await tab.waitForSelector('.edges li');
    const shownIn = async (page: Page) => page.evaluate(() => ({ boxes: [...document.querySelectorAll('.box')].map((box) => box.getAttribute('data-label')), panel: document.querySelector('.panel')?.textContent, moment: document.querySelector('.moment')?.textContent })); // prettier-ignore
    const link = `${of('west').server.url}&${new URL(tab.url()).hash.slice(1)}`;
    assert.ok(!tab.url().includes(of('west').server.token), 'the key has left the address');
    const other = await browser.page();
    await other.goto(link);
    await loadedIn(other);
    await other.waitForSelector('.edges li');
    assert.deepEqual(await shownIn(other), await shownIn(tab));
    const stranger = await browser.page();
    await stranger.goto(of('west').server.origin);
    await stranger.waitForSelector('.problem');
    assert.match((await stranger.textContent('.problem')) ?? '', /^the key is missing/);
    for (const page of [tab, other, stranger]) await page.context().close();
  });

  it('tells the incident of mark 06 in under ten clicks: what broke, who, when, what takes it back', async () => {
    const tab = await open('west', INCIDENT);
    let clicks = 0;
    const click = async (selector: string): Promise<void> => {
      clicks++;
      await tab.click(selector);
    };
    await tab.waitForSelector('.box.broken');
    // What broke.
    assert.match(
      (await tab.getAttribute('[data-id="app:shop-catalog"]', 'data-label')) ?? '',
      /missing: shared, catalog-config/,
    );
    await click('.act:has-text("deleted configmap storefront/catalog-config") button');
    // Who, and when.
    await tab.waitForSelector('.panel .facts');
    assert.match(
      (await tab.textContent('.panel .facts')) ?? '',
      /^erin@example\.com · 30 Nov 2026, 13:19:51delete ConfigMap storefront\/catalog-config/,
    );
    // What takes it back, and that somebody has done it since.
    await click('.undo summary');
    await tab.waitForSelector('.undo .note:not(.waiting)');
    assert.match((await tab.textContent('.undo .note')) ?? '', /configmap storefront\/catalog-config exists again/);
    await click('.panel .facts .link:has-text("catalog-config")');
    await tab.waitForSelector('.act');
    assert.match((await tab.textContent('.acts')) ?? '', /applied configmap storefront\/catalog-config/);
    assert.ok(clicks < 10);
    await tab.context().close();
  });

  it('can be used with the keyboard alone', async () => {
    const tab = await open('west', INCIDENT);
    await tab.waitForSelector('.box');
    const before = await tab.textContent('.moment');
    await tab.keyboard.press('ArrowLeft');
    assert.notEqual(await tab.textContent('.moment'), before);
    await tab.keyboard.press('/');
    await tab.waitForSelector('dialog input');
    await tab.keyboard.type('cata');
    await tab.waitForSelector('.found li');
    await tab.keyboard.press('Enter');
    await tab.waitForSelector('.panel h2:text-is("shop-catalog")');
    await tab.keyboard.press('f');
    await tab.waitForSelector('.crumbs [aria-current]');
    const box = tab.locator('.box[data-label^="catalog, Deployment"]');
    await box.focus();
    await tab.keyboard.press('Enter');
    await tab.waitForSelector('.panel h2:text-is("storefront/catalog")');
    for (const key of ['Escape', 'Escape']) await tab.keyboard.press(key);
    await tab.waitForFunction(() => document.querySelector('.crumbs [aria-current]') === null);
    await tab.keyboard.press('?');
    await tab.waitForSelector('dialog');
    await tab.keyboard.press('Escape');
    await tab.waitForSelector('dialog', { state: 'detached' });
    await tab.context().close();
  });

  it('has no finding of axe in any view, dark and light, on a desktop and a phone, and at 200 %', async () => {
    const axe = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
    const views = [INCIDENT, `${INCIDENT}&view=table&focus=app:checkout`, `${INCIDENT}&view=manual`, `${INCIDENT}&view=compare&b=2026-11-30T13:18:23.563Z`, `${INCIDENT}&sel=object:apps/Deployment/storefront/catalog&tab=lines`, `${INCIDENT}&sel=app:checkout`]; // prettier-ignore
    const screens = [
      { views, colorScheme: 'dark', viewport: { width: 1440, height: 900 } },
      { views: views.slice(-2), colorScheme: 'light', viewport: { width: 390, height: 844 } },
      // A window of 1440 × 900 at 200 %.
      { views: views.slice(-2), colorScheme: 'light', viewport: { width: 720, height: 450 }, deviceScaleFactor: 2 },
    ] as const;
    for (const { views, ...screen } of screens) {
      // The page's own policy lets no script of a test in.
      const tab = await open('west', INCIDENT, await browser.page({ ...screen, bypassCSP: true }));
      await tab.waitForSelector('.box');
      await tab.evaluate(axe);
      for (const view of views) {
        await go(tab, view);
        await tab.waitForFunction(() => document.querySelector('.waiting') === null);
        const found = await tab.evaluate(async () => {
          const { axe } = window as unknown as {
            axe: {
              run: () => Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }>;
            };
          };
          const { violations } = await axe.run();
          return violations.map(
            ({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)} ${nodes[0]?.failureSummary}`,
          );
        });
        assert.deepEqual(found, [], `${view} ${JSON.stringify(screen)}`);
        const isWide = await tab.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        assert.equal(isWide, false, `${view} ${JSON.stringify(screen)}: it scrolls to the side`);
      }
      await tab.context().close();
    }
  });

  it('does not obey names and values, in any view', async () => {
    const evil = '"><img src=x onerror=window.hit=1><script>window.hit=1</script>';
    const test = await TestRecorder.open(file('evil.db'));
    const labels = { 'app.kubernetes.io/instance': evil, team: evil, 'app.kubernetes.io/version': evil };
    const pod = {
      metadata: { labels },
      spec: {
        containers: [
          {
            name: evil,
            image: evil,
            env: [{ name: evil, value: `http://${evil}:80` }],
            envFrom: [{ configMapRef: { name: evil } }],
          },
        ],
      },
    };
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: evil, namespace: evil, uid: 'u-d', labels },
      spec: { template: pod, selector: { matchLabels: labels } },
    };
    await test.review({
      name: evil,
      namespace: evil,
      username: evil,
      group: 'apps',
      resource: 'deployments',
      kind: 'Deployment',
      object: deployment,
    });
    const config = configMap({ [evil]: evil }, { name: `${evil}2`, namespace: evil, uid: 'u-c', labels });
    await test.review({ name: `${evil}2`, namespace: evil, username: evil, object: config });
    await test.recorder.contentsEnded();
    const page = await servePage(file('evil.db'), () => test.at + 60_000);
    served.set('evil', page);
    const id = `object:apps/Deployment/${evil}/${evil}`;
    const tab = await open('evil', '');
    for (const link of [
      `sel=app:${encodeURIComponent(evil)}`,
      `sel=user:${encodeURIComponent(evil)}`,
      'sel=change:1',
      'view=table',
      'view=manual',
      'view=denied',
      `focus=app:${encodeURIComponent(evil)}`,
      'level=objects',
      ...['history', 'lines', 'diff', 'yaml', 'uses', 'impact'].map(
        (each) => `sel=${encodeURIComponent(id)}&tab=${each}`,
      ),
    ]) {
      await tab.evaluate((link) => void (location.hash = link), link);
      await tab.waitForFunction(() => document.querySelector('.waiting') === null);
      const made = await tab.evaluate(() => ({
        hit: 'hit' in window,
        images: document.querySelectorAll('img, #page script').length,
      }));
      assert.deepEqual(made, { hit: false, images: 0 }, link);
    }
    assert.ok(((await tab.textContent('body')) ?? '').includes(evil));
    await tab.context().close();
    await test.close();
  });

  it('cannot be read from another page, by another name, or by a script that got in', async () => {
    const { origin, token } = of('west').server;
    const tab = await open('west', INCIDENT);
    const smuggled = await tab.evaluate(() => {
      try {
        document.body.innerHTML = '<b>x</b>';
        return 'a string became markup';
      } catch (error) {
        return (error as Error).name;
      }
    });
    assert.equal(smuggled, 'TypeError');
    const inline = await tab.evaluate(async () => {
      const violated = new Promise((resolve) =>
        document.addEventListener('securitypolicyviolation', ({ violatedDirective }) => resolve(violatedDirective), {
          once: true,
        }),
      );
      await fetch('http://elsewhere.test/').catch(() => undefined);
      return violated;
    });
    assert.equal(inline, 'connect-src');
    faults.length = 0;
    await tab.context().close();
    // Another origin on this machine, with the key even.
    const other = createServer((_, response) =>
      response.setHeader('Content-Type', 'text/html').end('<p>another page</p>'),
    );
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const stranger = await browser.page();
    await stranger.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
    const asked = async (mode: 'cors' | 'no-cors', headers: Record<string, string>) => stranger.evaluate(async ([origin, mode, headers]) => {
      try {
        const response = await fetch(`${origin}/api/v1/info`, { mode, headers });
        return `${response.type} ${response.status} ${await response.text()}`;
      } catch {
        return 'refused';
      }
    }, [origin, mode, headers] as const); // prettier-ignore
    assert.equal(await asked('cors', { 'x-kubeblame-token': token }), 'refused');
    assert.equal(await asked('cors', {}), 'refused');
    // Not even an answer that cannot be read (Cross-Origin-Resource-Policy).
    assert.equal(await asked('no-cors', {}), 'refused');
    const framed = await stranger.evaluate(async (origin) => {
      const frame = document.createElement('iframe');
      frame.src = origin;
      document.body.append(frame);
      await new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }));
      return frame.contentDocument === null ? 'closed' : frame.contentDocument.body.textContent;
    }, origin);
    assert.equal(framed, 'closed');
    // A name of theirs that they let point here.
    const rebound = await stranger.goto(`${origin.replace('127.0.0.1', 'evil.test')}/`);
    assert.equal(rebound?.status(), 421);
    await stranger.context().close();
    await new Promise((resolve) => other.close(resolve));
  });

  it('shows what is recorded from now on without a reload, and stays at the moment that was chosen', async () => {
    const test = await TestRecorder.open(file('live.db'));
    await test.review({ name: 'a', object: configMap({}, { name: 'a', uid: 'u-a' }) });
    await test.recorder.contentsEnded();
    let now = test.at + 60_000;
    const page = await servePage(file('live.db'), () => now);
    served.set('live', page);
    const tab = await open('live', `at=${new Date(test.at).toISOString()}`);
    const before = await tab.textContent('.moment');
    await test.review({ name: 'b', object: configMap({}, { name: 'b', uid: 'u-b' }), username: 'bob@example.com' });
    await test.recorder.contentsEnded();
    now += 60_000;
    await tab.waitForFunction(() => document.querySelector('.counts')?.textContent === '2 changes');
    assert.equal(await tab.textContent('.moment'), before);
    await tab.click('.now');
    await tab.waitForSelector('.act:has-text("bob@example.com")');
    await tab.context().close();
    await test.close();
  });

  it('says why the map is empty: nothing recorded, or nothing at that time', async () => {
    const test = await TestRecorder.open(file('empty.db'));
    const page = await servePage(file('empty.db'), () => test.at);
    served.set('empty', page);
    const tab = await browser.page();
    await tab.goto(page.server.url);
    await tab.waitForFunction(() =>
      document.querySelector('.empty')?.textContent?.startsWith('Nothing is recorded yet.'),
    );
    await tab.context().close();
    await test.close();
    const early = await open('west', 'at=2026-11-29T00:00:00Z');
    await early.waitForFunction(() =>
      document.querySelector('.empty')?.textContent?.startsWith('The record begins at 30 Nov 2026'),
    );
    await early.context().close();
  });
});
