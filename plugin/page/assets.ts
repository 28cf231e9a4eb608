import { fileURLToPath } from 'node:url';

/** A file of the page. */
export interface PageFile {
  /** For Content-Type. */
  type: string;
  text: string;
}

/**
 * The page's own files, by their path. Where the program runs from its sources they are built on the way; scripts/build.mjs puts what it
 * has built in the place of this module.
 */
export async function pageFiles(): Promise<Map<string, PageFile>> {
  const { buildPage } = await import('../../scripts/build-page.mjs');
  return new Map(await buildPage(fileURLToPath(new URL('../..', import.meta.url))));
}
