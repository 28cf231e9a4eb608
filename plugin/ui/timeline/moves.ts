import { goTo, loaded, moment, playing, show } from '../state/store.ts';

/** To the next change, or the one before. */
export function nextChange(step: 1 | -1): void {
  jump(
    (loaded.value?.rows ?? []).map(({ at }) => at),
    step,
  );
}

/** To the next release, or the one before. */
export function nextRelease(step: 1 | -1): void {
  jump(
    (loaded.value?.marks ?? []).map(({ at }) => at),
    step,
  );
}

/** `times` by time. Behind the last there is the end. */
function jump(times: readonly number[], step: 1 | -1): void {
  const now = moment.value;
  const next = step === 1 ? times.find((at) => at > now) : times.findLast((at) => at < now);
  if (next !== undefined) goTo(next);
  else if (step === 1) show({ at: null });
}

/** How long the whole of the record takes to play, in ms, and how often it moves on. */
const PLAY_MS = 30_000;
const STEP_MS = 50;

export function togglePlay(): void {
  const all = loaded.value;
  if (all === null) return;
  playing.value = !playing.value;
  if (!playing.value) return;
  if (moment.value >= all.to) goTo(all.from);
  const step = Math.max(1, ((all.to - all.from) * STEP_MS) / PLAY_MS);
  const timer = setInterval(() => {
    if (!playing.value || moment.value >= all.to) {
      playing.value = false;
      clearInterval(timer);
      return;
    }
    goTo(moment.value + step);
  }, STEP_MS);
}
