import { setFlagsFromString } from 'node:v8';

/**
 * Collects garbage before the heap has grown by so much. By itself V8 lets it grow to five times of what is in use, which
 * is some 25 MB: the recorder shares a node with the workload, and a limit is set for its memory. Costs a few percent of
 * the time under load (docs/performance.md).
 */
const HEAP_GROWING_PERCENT = 30;

/** Call before the work begins. */
export function keepHeapSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);
}
