import { isRedacted } from '../../redacted.ts';
import type { Place } from '../place.ts';
import type { Address } from '../types.ts';

/*
 * Texts that look like addresses of Services. A word alone is none: `on`, `http` and `redis` are Services somewhere.
 */

const LABEL = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?';
const HOST = `${LABEL}(?:\\.${LABEL}){0,6}`;
/** `scheme://user:password@host:port/`: the last scheme counts, as in `jdbc:postgresql://db:5432/shop`. */
const URL = new RegExp(`[A-Za-z][A-Za-z0-9+.-]*://(?:[^\\s/@"'<>]*@)?(${HOST})(?::(\\d{1,5}))?(?![\\w.@:-])`, 'g');
/** `host:port`, in lists, and in brackets as in `tcp(db:3306)`; not behind what belongs to a longer word. */
const HOST_PORT = new RegExp(`(?<![\\w./@:-])([a-z](?:[-a-z0-9]{0,61}[a-z0-9])?(?:\\.${LABEL}){0,6}):(\\d{1,5})(?![\\w.:])`, 'g'); // prettier-ignore
/** A whole value: all of a text, or of a line behind `key:`, `key=` or a hyphen. */
const BARE = new RegExp(`(?:^|[=,\\s])["']?(${LABEL}(?:\\.${LABEL}){1,6})["']?(?=$|[,;\\s])`, 'g');
const LINE = new RegExp(`^[ \\t]*(?:-[ \\t]+)?(?:[\\w.-]+[ \\t]*[:=][ \\t]*)?["']?(${LABEL}(?:\\.${LABEL}){1,6})["']?[;,]?[ \\t]*$`, 'gm'); // prettier-ignore

/** The addresses in a value of the environment, or in an argument. */
export function addressesIn(place: Place): Address[] {
  return found(place, BARE);
}

/** The addresses in a value of a ConfigMap: in a file a whole value is one that has a line, or what is behind its key. */
export function addressesInFile(place: Place, key: string): Address[] {
  return found(place, LINE).map((address) => ({ ...address, key }));
}

function found(place: Place, whole: RegExp): Address[] {
  const { text } = place;
  if (text === '' || isRedacted(text)) return [];
  const addresses = new Map<string, Address>();
  const add = (form: Address['form'], host = '', port = ''): void => {
    // An IP address names no Service.
    if (/^[\d.]+$/.test(host) || addresses.has(`${host}:${port}`)) return;
    addresses.set(`${host}:${port}`, { host, port: Number(port), form, field: place.field });
  };
  if (text.includes('://')) for (const [, host, port] of text.matchAll(URL)) add('url', host, port);
  if (text.includes(':')) for (const [, host, port] of text.matchAll(HOST_PORT)) add('host', host, port);
  if (text.includes('.')) for (const [, host] of text.matchAll(whole)) if (mayNameService(host)) add('bare', host);
  return [...addresses.values()];
}

/** A number, a version or a file is none: `1.2`, `v1.0`, `3.14`. A namespace begins with a letter or digit, a Service too. */
function mayNameService(host = ''): boolean {
  return host.split('.').every((label) => /[a-z]/.test(label));
}
