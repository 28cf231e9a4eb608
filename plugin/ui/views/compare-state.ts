import { signal } from '@preact/signals';
import type { Comparison } from '../worker/protocol.ts';

/** What differs between the moment that is shown and the other one; null where none is compared. */
export const comparison = signal<Comparison | null>(null);
