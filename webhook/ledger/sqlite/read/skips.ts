import { decodeTouched, encodeTouched, joinTouched, touchedBy } from '../../../../shared/touched.ts';
import type { Json } from '../../../../shared/types.ts';
import { compress, decodeAmendment, decompress } from '../../content/payload.ts';
import type { Skip } from '../../port/port.ts';

/** The skips beside a whole body, as they are stored. */
export interface Skips {
  /** How many whole bodies the line has had, this one included. */
  place: number;
  skips: Skip[];
}

/** Where nothing can be left out. */
export const NO_SKIPS: Skips = { place: 1, skips: [] };

/** As `[place, to, touched, to, touched, ...]`, compressed. */
export function encodeSkips({ place, skips }: Skips): Buffer {
  const flat = skips.flatMap(({ to, touched }): Json[] => [to, encodeTouched(touched)]);
  return compress(JSON.stringify([place, ...flat]));
}

/** Throws where the bytes are none of ours. */
export function decodeSkips(bytes: Uint8Array): Skips {
  const [place, ...flat] = JSON.parse(decompress(bytes)) as Json[];
  const skips: Skip[] = [];
  for (let index = 0; index < flat.length; index += 2) {
    skips.push({ to: Number(flat[index]), touched: decodeTouched(flat[index + 1] ?? 1) });
  }
  return { place: Number(place), skips };
}

/** What stands beside a change was made with it: what an amendment touches comes on top. */
export function withAmendment(skips: readonly Skip[], amendment: Uint8Array | null): Skip[] {
  if (amendment === null) return [...skips];
  const own = touchedBy(decodeAmendment(amendment).patch);
  return skips.map(({ to, touched }) => ({ to, touched: joinTouched(touched, own) }));
}
