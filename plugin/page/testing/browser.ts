import { existsSync } from 'node:fs';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';

/** Where a browser is looked for: what the environment names, or Debian's. */
const PLACES = [process.env.KUBEBLAME_CHROMIUM ?? '', '/usr/bin/chromium'];
const MISSING =
  'SKIPPED: the tests of the page in a browser. There is no Chromium: apt-get install chromium, or name one by KUBEBLAME_CHROMIUM';

/** A Chromium for a suite. Where there is none the suite is skipped, and says so; one that is named but is not there is an error. */
export function useBrowser(): {
  page: (options?: BrowserContextOptions) => Promise<Page>;
  context: (options?: BrowserContextOptions) => Promise<BrowserContext>;
} {
  let browser: Browser | null = null;
  before(async function () {
    const named = process.env.KUBEBLAME_CHROMIUM ?? '';
    if (named !== '' && !existsSync(named)) throw new Error(`KUBEBLAME_CHROMIUM: there is no ${named}`);
    const executablePath = PLACES.find((path) => path !== '' && existsSync(path));
    if (executablePath === undefined) {
      process.stderr.write(`${MISSING}\n`);
      this.skip();
    }
    const { chromium } = await import('playwright-core');
    // A container's root may not make namespaces, which the sandbox is made of. Names under .test lead here, as somebody's DNS may.
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--host-resolver-rules=MAP *.test 127.0.0.1'],
    });
  });
  after(() => browser?.close());
  const context = async (options: BrowserContextOptions = {}): Promise<BrowserContext> => {
    if (browser === null) throw new Error('the browser is not started');
    return browser.newContext({
      timezoneId: 'UTC',
      viewport: { width: 1440, height: 900 },
      reducedMotion: 'reduce',
      ...options,
    });
  };
  return { context, page: async (options) => (await context(options)).newPage() };
}
