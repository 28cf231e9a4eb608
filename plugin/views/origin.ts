import { repositoryName, shortRevision } from '../../shared/origins/tools.ts';
import type { Origin } from '../../shared/types.ts';
import type { Style } from './style.ts';
import { printable } from './text.ts';
import { userText } from './who.ts';

/** `alice @ 9be27d1`, `@ 9be27d1`, `@ checkout-1.5.0`: who started it, and what was delivered; '' where neither is known. */
export function originText(origin: Origin, style: Style): string {
  const who = starterText(origin, style);
  const what = deliveredText(origin, style);
  return [...(who === '' ? [] : [who]), ...(what === '' ? [] : [`@ ${what}`])].join(' ');
}

/** Who started it; '' where nobody is known. */
export function starterText({ startedBy, startedByOf, certain }: Origin, style: Style): string {
  if (startedBy === '') return '';
  // A user of the tool's own is no user of the cluster: the name is given as it is.
  const name = startedByOf === 'tool' ? printable(startedBy) : userText(startedBy, style);
  return certain ? name : `likely ${name}`;
}

/** The revision, in short on a terminal; a chart where there is no revision of Git. */
export function deliveredText({ sources, helmRevision, certain }: Origin, style: Style): string {
  const [first] = sources;
  if (first === undefined) return helmRevision === null ? '' : `revision ${helmRevision}`;
  const { revision, chart } = first;
  const name = chart !== '' ? chart : style.columns === null ? revision : shortRevision(revision);
  const more = sources.length > 1 ? ` +${sources.length - 1}` : '';
  return name === '' ? '' : printable(`${certain ? '' : 'likely '}${name}${more}`);
}

/** ` (shop/deploy, web)`: where it comes from; '' where that is not known. */
export function originPlace({ sources }: Origin): string {
  const [first] = sources;
  if (first === undefined) return '';
  const parts = [repositoryName(first.repository), first.path].filter((part) => part !== '');
  return parts.length === 0 ? '' : ` (${printable(parts.join(', '))})`;
}

/** Everything about an origin, each fact in a line of its own, for `show`. */
export function originLines(origin: Origin, style: Style): string[] {
  const { tool, application, namespace, sources, helmRevision, mode, startedBy, startedByOf, by, takesBack, certain, why } = origin; // prettier-ignore
  const name = application === '' ? '' : ` ${namespace === '' ? application : `${namespace}/${application}`}`;
  const revision = helmRevision === null ? '' : `, revision ${helmRevision} of the release`;
  const of = startedByOf === 'tool' ? `, a user of ${tool}` : '';
  const modes = {
    started: startedBy === '' ? '' : `started by ${startedBy}${of}`,
    automated: 'started by itself, for a new revision',
    'self-heal': 'self-heal: the revision that it had delivered before, again',
    unknown: '',
  };
  const id = (seq: number): string => style.chalk.yellow(String(seq));
  return [
    `${certain ? '' : 'likely '}${printable(tool + name)}${revision}`,
    ...sources.flatMap(({ revision, repository, path, chart, url }) => {
      const words = [printable(chart), style.link(printable(revision), url), printable(repository), printable(path)];
      const known = words.filter((word) => word !== '');
      return known.length === 0 ? [] : [known.join(' ')];
    }),
    ...(modes[mode] === '' ? [] : [printable(modes[mode]) + (by === null ? '' : ` (change ${id(by)})`)]),
    ...(modes[mode] === '' && by !== null ? [`told by change ${id(by)}`] : []),
    ...takesBack.map(
      ({ seq, actor }) => `takes back ${id(seq)} by ${style.chalk.cyan(userText(actor.username, style))}`,
    ),
    style.chalk.dim(`known by: ${printable(why)}`),
  ];
}
