import { createStyle, type Style } from '../views/style.ts';

/** A terminal without colours, in UTC. */
export function terminal(columns: number, timeZone = 'UTC'): Style {
  return createStyle({ columns, colour: 0, unicode: true, timeZone });
}

/** A pipe: nothing is shortened. */
export const PIPE: Style = createStyle({ columns: null, colour: 0, unicode: true, timeZone: 'UTC' });
