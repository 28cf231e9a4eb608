import { token } from '../state/server.ts';
import { worker } from '../state/load.ts';
import { TOKEN_PARAMETER } from '../state/link.ts';
import { layout, loaded, model, moment, objectsBySeq } from '../state/store.ts';
import { dayAndClock, shortWho, titleOf, zone } from '../words.ts';

export type ExportKind = 'link' | 'svg' | 'png' | 'json' | 'markdown' | 'print';

export const EXPORTS: { name: string; about: string; what: ExportKind }[] = [
  {
    name: 'Copy link',
    about: 'shows the same on this machine, as long as kubectl blame ui runs; it has the key in it',
    what: 'link',
  },
  { name: 'SVG', about: 'the map as a picture', what: 'svg' },
  { name: 'PNG', about: 'the map as a picture', what: 'png' },
  { name: 'JSON', about: 'applications and edges of this moment', what: 'json' },
  { name: 'Markdown', about: 'for the report of an incident: what happened up to this moment', what: 'markdown' },
  { name: 'Print', about: 'what is shown', what: 'print' },
];

/** Exports what is shown. Resolves with what was done, for people. */
export async function exportAs(what: ExportKind): Promise<string> {
  const name = `kubeblame-${new Date(moment.value).toISOString().replaceAll(':', '-')}`;
  switch (what) {
    case 'link':
      await navigator.clipboard.writeText(linkWithKey());
      return 'The link is copied.';
    case 'svg':
      return save(`${name}.svg`, new Blob([svgText()], { type: 'image/svg+xml' }));
    case 'png':
      return save(`${name}.png`, await pngOf(svgText()));
    case 'json':
      return save(`${name}.json`, new Blob([JSON.stringify({ at: new Date(moment.value).toISOString(), cluster: loaded.value?.snapshot.info.cluster, ...(await worker().ask('table', { at: moment.value })) }, null, 2)], { type: 'application/json' })); // prettier-ignore
    case 'markdown':
      return save(`${name}.md`, new Blob([reportText()], { type: 'text/markdown' }));
    case 'print':
      print();
      return '';
  }
}

/** With the key, so that another browser of this user may open it. */
export function linkWithKey(): string {
  const fragment = location.hash.slice(1);
  return `${location.origin}/#${TOKEN_PARAMETER}=${token()}${fragment === '' ? '' : `&${fragment}`}`;
}

function save(name: string, blob: Blob): string {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  return `${name} is saved.`;
}

const STYLED = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'font-family',
  'font-size',
  'font-weight',
  'opacity',
  'text-anchor',
  'marker-end',
];

/** The whole map as an SVG file of its own: with the colours that it has now, whatever part of it is seen. */
export function svgText(): string {
  const picture = document.querySelector('svg.picture');
  const all = layout.value;
  if (picture === null || all === null) return '<svg xmlns="http://www.w3.org/2000/svg"/>';
  const copy = picture.cloneNode(true) as SVGSVGElement;
  const [originals, copies] = [[...picture.querySelectorAll('*')], [...copy.querySelectorAll('*')]];
  for (const [index, element] of copies.entries()) {
    const original = originals[index];
    if (original === undefined) continue;
    const style = getComputedStyle(original);
    for (const property of STYLED) element.setAttribute(property, style.getPropertyValue(property));
    for (const attribute of ['class', 'style', 'tabindex', 'role', 'data-id']) element.removeAttribute(attribute);
  }
  copy.querySelector(':scope > g')?.setAttribute('transform', '');
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('viewBox', `0 0 ${all.width} ${all.height}`);
  copy.setAttribute('width', String(all.width));
  copy.setAttribute('height', String(all.height));
  const ground = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  for (const [key, value] of [
    ['width', String(all.width)],
    ['height', String(all.height)],
    ['fill', getComputedStyle(document.body).backgroundColor],
  ] as const)
    ground.setAttribute(key, value);
  copy.querySelector('defs')?.after(ground);
  return new XMLSerializer().serializeToString(copy);
}

async function pngOf(svg: string): Promise<Blob> {
  const all = layout.value;
  const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = 2 * (all?.width ?? 1);
  canvas.height = 2 * (all?.height ?? 1);
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(url);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob === null ? reject(new Error('the picture is too large')) : resolve(blob))),
  );
}

/** Acts of a report. */
const ACTS = 30;

/** What a report of an incident begins with: where, when, what is broken, and who did what before. */
export function reportText(): string {
  const all = loaded.value;
  if (all === null) return '';
  const at = moment.value;
  const text = (value: string): string => value.replaceAll(/[\\`*_{}[\]<>()#+!|]/g, '\\$&').replaceAll(/\s+/g, ' ');
  const broken = (model.value?.boxes ?? []).filter((box) => box.broken > 0);
  const acts = all.acts.filter((act) => act.at <= at).slice(0, ACTS);
  const rows = objectsBySeq.value;
  return [
    `# ${text(all.snapshot.info.cluster)} at ${dayAndClock(at)} ${zone(at)}`,
    '',
    ...(broken.length === 0
      ? ['Nothing leads to what is missing.']
      : [
          '## What lacks something',
          '',
          ...broken.map(
            (box) => `- ${text(box.title)} (${text(box.teams.join(', ') || 'no team')}): ${box.broken} missing`,
          ),
        ]),
    '',
    '## What happened before, newest first',
    '',
    '| when | who | what | change |',
    '|---|---|---|---|',
    ...acts.map(
      (act) =>
        `| ${new Date(act.at).toISOString()} | ${text(shortWho(act.who))} | ${text(act.text)} | ${act.id}${rows.has(act.id) ? ` ${text(titleOf(rows.get(act.id)?.object ?? { kind: '', namespace: '', name: '' }))}` : ''} |`,
    ),
    '',
  ].join('\n');
}
