import { spawn } from 'node:child_process';
import type { Io } from '../io.ts';

/** What each system opens an address with. */
const OPENERS: Partial<Record<NodeJS.Platform, string>> = { darwin: 'open', linux: 'xdg-open' };

/**
 * Opens an address in the browser. Only where somebody sits before a screen: over SSH, and in a pipe, the printed address is enough.
 * Where it does not work nothing is lost: the address is printed.
 */
export async function openInBrowser(url: string, { style, env }: Pick<Io, 'style' | 'env'>): Promise<void> {
  const command = OPENERS[process.platform];
  const hasScreen = process.platform !== 'linux' || (env.DISPLAY ?? env.WAYLAND_DISPLAY ?? '') !== '';
  if (style.columns === null || (env.SSH_CONNECTION ?? '') !== '' || command === undefined || !hasScreen) return;
  const child = spawn(command, [url], { stdio: 'ignore', detached: true });
  await new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('spawn', () => resolve());
  });
  child.unref();
}
