import type { Seen } from '../../../../shared/interpret.ts';

/** What a list or a watch shows of an object: read already, or to be read when its turn has come. */
export type Shown = Seen | UnreadSeen;

export interface UnreadSeen {
  resourceVersion: string;
  /** Throws KubeblameError json-* where it is no JSON. */
  read(): Seen;
}

/** What is shown, read if it was not yet. */
export function readShown(shown: Shown): Seen {
  return 'read' in shown ? shown.read() : shown;
}
