import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPlugin } from './build.mjs';

/*
 * `node scripts/release.mjs URL`: archives of the plugin for each platform, their checksums, and a manifest for krew, in
 * dist/release. URL is the folder that they will be downloaded from. The plugin is JavaScript: the archives differ in how
 * it is started, and need Node on the machine. Needs GNU tar, so that the same sources give the same bytes.
 */

/** krew's index has another `blame`; there ours is `kubectl kubeblame`. */
const KREW_NAME = 'kubeblame';
const PROGRAM = 'kubectl-blame';
const COMPLETION = '#!/bin/sh\nexec kubectl-blame __complete "$@"\n';
const WINDOWS_START = '@node "%~dp0kubectl-blame.cjs" %*\r\n';

const PLATFORMS = [
  { os: 'linux', files: { 'kubectl_complete-blame': COMPLETION } },
  { os: 'darwin', files: { 'kubectl_complete-blame': COMPLETION } },
  { os: 'windows', files: { 'kubectl-blame.cmd': WINDOWS_START } },
];

/** Writes all of it into `outdir`, and returns the names of the archives. */
export async function release({ root, outdir, url }) {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  await rm(outdir, { recursive: true, force: true });
  const archives = [];
  for (const { os, files } of PLATFORMS) {
    const name = `${PROGRAM}_${version}_${os}.tar.gz`;
    await archive(root, outdir, name, files);
    const sha256 = createHash('sha256').update(await readFile(join(outdir, name))).digest('hex'); // prettier-ignore
    archives.push({ os, name, sha256 });
  }
  const sums = archives.map(({ sha256, name }) => `${sha256}  ${name}\n`).join('');
  await writeFile(join(outdir, 'SHA256SUMS'), sums);
  await writeFile(join(outdir, `${KREW_NAME}.yaml`), krewManifest(version, url, archives));
  return archives.map(({ name }) => name);
}

async function archive(root, outdir, name, files) {
  const folder = join(outdir, 'content');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await buildPlugin(root, folder);
  await copyFile(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text, { mode: 0o755 });
  const steady = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0', '--mode=u+rw,go+r-w'];
  execFileSync('tar', [...steady, '--use-compress-program=gzip -n', '-cf', join(outdir, name), '-C', folder, '.']);
  await rm(folder, { recursive: true });
}

/** https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest. krew's links on Windows start only .exe files. */
function krewManifest(version, url, archives) {
  const platforms = archives
    .filter(({ os }) => os !== 'windows')
    .map(
      ({ os, name, sha256 }) => `  - selector:
      matchLabels:
        os: ${os}
    uri: ${url.replace(/\/$/, '')}/${name}
    sha256: ${sha256}
    bin: ${PROGRAM}.cjs
`,
    );
  return `apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: ${KREW_NAME}
spec:
  version: v${version}
  homepage: ${url}
  shortDescription: Who changed this, what exactly, when, and what was it before
  description: |
    git blame, log, show and checkout for a live cluster: asks a Kubeblame server, which records every change with the
    authenticated user.
  caveats: |
    Needs Node 20.19 or newer on the PATH, and a Kubeblame server (KUBEBLAME_SERVER).
    krew's own plugin "blame" is another program; this one is "kubectl kubeblame". Put a link named kubectl-blame before
    krew's folder on the PATH to call it "kubectl blame".
  platforms:
${platforms.join('')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = resolve(import.meta.dirname, '..');
  const [url] = process.argv.slice(2);
  if (url === undefined || !URL.canParse(url)) {
    console.error('usage: node scripts/release.mjs URL   (where the archives will be downloaded from)');
    process.exitCode = 2;
  } else {
    const names = await release({ root, outdir: join(root, 'dist', 'release'), url });
    console.log(`dist/release: ${names.join(', ')}, SHA256SUMS, ${KREW_NAME}.yaml`);
  }
}
