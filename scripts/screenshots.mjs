import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/*
 * The README's pictures: the plugin in a real terminal (tmux), drawn by a browser. `make build`, then
 * `node scripts/screenshots.mjs` with tmux, chromium and pngquant on the PATH (Debian has all three). They go to
 * docs/images, each dark and light, as GitHub's own pages are.
 */
/** What is asked of which recording, the size of the terminal, and the keys that are pressed then. */
const VIEWS = {
  story: { ask: '-n shop --until 2026-11-22T05:08:15 -20', size: [110, 40] },
  history: { ask: 'deployment web -n shop -7', size: [100, 30] },
  diff: { ask: 'deployment web -n shop --format diff --humans --until 2026-11-22T05:06:25 -2', size: [100, 60] },
  lines: { ask: 'deployment web -n shop --format lines --field metadata --at 2026-11-22T05:07:06', size: [100, 24] },
  show: { ask: 'show 501', size: [100, 54] },
  tree: { ask: 'tree deployment/web -n shop --at 2026-11-22T05:07:06', size: [110, 40] },
  impact: { ask: 'impact secret/db-credentials -n shop --at 2026-11-22T05:07:06', size: [110, 30] },
  apps: { ask: 'apps --at 2026-11-30T13:21:17', size: [100, 24], ledger: 'landscape' },
  browse: { ask: '-i -n shop --until 2026-11-22T05:08:30', size: [110, 26], keys: ['Down', 'Enter', 'Down', 'Down'] },
};

/** Black to white, then the bright ones; GitHub's palettes. */
const THEMES = {
  dark: {
    back: '#0d1117',
    text: '#e6edf3',
    colours: ['#484f58', '#ff7b72', '#3fb950', '#d29922', '#58a6ff', '#bc8cff', '#39c5cf', '#b1bac4'],
  },
  light: {
    back: '#ffffff',
    text: '#1f2328',
    colours: ['#24292f', '#cf222e', '#116329', '#7d4e00', '#0969da', '#8250df', '#1b7c83', '#6e7781'],
  },
};

const ESC = String.fromCharCode(27);
/** A sequence, or text between two. */
const PARTS = new RegExp(`${ESC}\\[([\\d;]*)m|([^${ESC}]+)`, 'g');
/** The next prompt, and what is empty below it. */
const PROMPT = new RegExp(`(\\s|\\$ ?|${ESC}\\[[\\d;]*m)+$`);

const root = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'kubeblame-screenshots-'));
const socket = ['-S', join(folder, 'tmux'), '-f', '/dev/null'];
try {
  const ledgers = makeLedgers();
  symlinkSync(join(root, 'dist/kubectl-blame.cjs'), join(folder, 'kubectl-blame'));
  mkdirSync(join(root, 'docs/images'), { recursive: true });
  for (const [name, view] of Object.entries(VIEWS)) {
    const screen = await capture(view, ledgers[view.ledger ?? 'shop']);
    for (const theme of Object.keys(THEMES)) {
      draw(screen, theme, view.size[0], join(root, `docs/images/${name}-${theme}.png`));
    }
  }
} finally {
  spawnSync('tmux', [...socket, 'kill-server']);
  rmSync(folder, { recursive: true });
}

/** The recordings that the tests run on, as ledgers. */
function makeLedgers() {
  const source = `import('./webhook/testing/ledgers/shop-ledger.ts').then(async ({ importShop }) => {
    await (await importShop('${folder}/shop.db', true)).close();
    const { importLandscape } = await import('./webhook/testing/ledgers/landscape-ledger.ts');
    await (await importLandscape('${folder}/landscape.db', 'west', true)).close();
  })`;
  run(process.execPath, ['--import', 'tsx', '-e', source]);
  return { shop: join(folder, 'shop.db'), landscape: join(folder, 'landscape.db') };
}

function run(command, args) {
  return execFileSync(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] }).toString();
}

/** What the terminal shows after a command, with its escape sequences. */
async function capture({ ask, size: [columns, rows], keys = [] }, ledger) {
  const env = ['env', `PATH=${folder}:${process.env.PATH}`, `KUBEBLAME_DB=${ledger}`, `XDG_CACHE_HOME=${folder}`];
  const more = ['TZ=UTC', 'LC_ALL=C.UTF-8', 'PS1=$ ', 'KUBEBLAME_PAGER=cat', 'bash', '--norc', '-i'];
  const size = ['-x', String(columns), '-y', String(rows)];
  run('tmux', [...socket, 'new-session', '-d', '-s', 'shot', ...size, ...env, ...more]);
  await sleep(1000);
  run('tmux', [...socket, 'send-keys', '-t', 'shot', `kubectl blame ${ask}`.replace(' ', '-'), 'Enter']);
  await sleep(3000);
  for (const key of keys) {
    run('tmux', [...socket, 'send-keys', '-t', 'shot', key]);
    await sleep(500);
  }
  const screen = run('tmux', [...socket, 'capture-pane', '-t', 'shot', '-e', '-p', ...(keys.length > 0 ? ['-N'] : [])]);
  run('tmux', [...socket, 'kill-session', '-t', 'shot']);
  const shown = screen.replace('kubectl-blame', 'kubectl blame');
  // A whole screen ends with its last line, and not with the shell's next one.
  return keys.length > 0 ? shown.replace(/\n$/, '') : shown.replace(PROMPT, '');
}

/** The screen as HTML: of what a terminal obeys, only colours, bold and dim are left by tmux. */
function htmlOf(screen, { colours: palette, text, back }) {
  const style = { colour: text, bold: false, dim: false, inverse: false };
  return screen.replace(PARTS, (_, codes, part) => {
    if (part !== undefined) {
      const escaped = part.replace(/[&<]/g, (sign) => (sign === '&' ? '&amp;' : '&lt;'));
      const weight = style.bold ? ';font-weight:bold' : '';
      const colours = style.inverse ? `color:${back};background:${style.colour}` : `color:${style.colour}`;
      return `<span style="${colours}${weight}${style.dim ? ';opacity:.62' : ''}">${escaped}</span>`;
    }
    for (const code of (codes || '0').split(';').map(Number)) {
      if (code === 0) Object.assign(style, { colour: text, bold: false, dim: false, inverse: false });
      else if (code === 1) style.bold = true;
      else if (code === 2) style.dim = true;
      else if (code === 22) Object.assign(style, { bold: false, dim: false });
      else if (code >= 30 && code < 38) style.colour = palette[code - 30];
      else if (code === 7) style.inverse = true;
      else if (code === 27) style.inverse = false;
      else if (code === 39) style.colour = text;
    }
    return '';
  });
}

function draw(screen, name, columns, file) {
  const theme = THEMES[name];
  const page = join(folder, 'page.html');
  const font = '14px/20px "JetBrains Mono", "DejaVu Sans Mono", monospace';
  const css = `body{margin:0;background:${theme.back}} pre{margin:16px;font:${font};font-variant-ligatures:none}`;
  writeFileSync(page, `<meta charset="utf-8"><style>${css}</style><pre>${htmlOf(screen, theme)}</pre>`);
  const size = `${Math.ceil(columns * 8.43) + 32},${screen.split('\n').length * 20 + 32}`;
  const flags = ['--headless', '--no-sandbox', '--hide-scrollbars', '--force-device-scale-factor=2'];
  run('chromium', [...flags, `--window-size=${size}`, `--screenshot=${file}`, `file://${page}`]);
  run('pngquant', ['--force', '--strip', '--skip-if-larger', '--output', file, '32', file]);
}
