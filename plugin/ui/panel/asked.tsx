import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { AnswerError } from '../state/server.ts';

type State<T> = { is: 'waiting' } | { is: 'told'; answer: T } | { is: 'failed'; message: string; hint: string };

/** Asks something, and shows the answer; meanwhile that it is asked, and what was wrong where it fails. `key` tells questions apart. */
export function Asked<T>({
  of,
  question,
  children,
}: {
  of: string;
  question: () => Promise<T>;
  children: (answer: T) => ComponentChildren;
}) {
  const [state, set] = useState<State<T>>({ is: 'waiting' });
  useEffect(() => {
    let isGone = false;
    question().then(
      (answer) => void (isGone || set({ is: 'told', answer })),
      (error: unknown) => void (isGone || set({ is: 'failed', message: error instanceof Error ? error.message : String(error), hint: error instanceof AnswerError ? error.hint : '' })), // prettier-ignore
    );
    return () => void (isGone = true);
  }, [of]);
  if (state.is === 'told') return <>{children(state.answer)}</>;
  if (state.is === 'waiting')
    return (
      <p class="note waiting" role="status">
        Asking…
      </p>
    );
  return (
    <p class="note failed" role="alert">
      {state.message}
      {state.hint === '' ? '' : `: ${state.hint}`}
    </p>
  );
}
