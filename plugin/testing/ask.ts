import type { Screen } from '../browser/screen.ts';
import { run } from '../cli.ts';
import { FILES } from '../io.ts';
import { createStyle, type StyleOptions } from '../views/style.ts';

export interface Answer {
  code: number;
  out: string;
  err: string;
}

export interface AskOptions extends Partial<StyleOptions> {
  now?: number;
  env?: Record<string, string | undefined>;
  interrupted?: AbortSignal;
  /** The terminal that -i takes. */
  screen?: Screen;
  /** What -f reads, whatever file is named; without it the file itself. */
  input?: string;
}

/** Two days after the recording. */
export const NOW = Date.parse('2026-11-24T12:00:00Z');

/** Runs the command line as main.ts does, into strings. A pipe in UTC without a kubeconfig, unless told otherwise. */
export async function ask(args: readonly string[], options: AskOptions = {}): Promise<Answer> {
  const { now = NOW, env = { KUBECONFIG: '/nonexistent' }, interrupted, input, screen, ...style } = options;
  const answer: Answer = { code: -1, out: '', err: '' };
  answer.code = await run(args, ({ colour, headers }) => ({
    out: (text) => void (answer.out += text),
    err: (text) => void (answer.err += text),
    ...(input === undefined ? FILES : { read: () => Promise.resolve(input) }),
    style: createStyle({
      columns: null,
      unicode: true,
      timeZone: 'UTC',
      now,
      headers,
      ...style,
      colour: colour ? (style.colour ?? 0) : 0,
    }),
    now,
    env,
    ...(interrupted === undefined ? {} : { interrupted }),
    ...(screen === undefined ? {} : { openScreen: () => Promise.resolve(screen) }),
  }));
  return answer;
}
