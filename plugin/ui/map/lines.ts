import type { Place } from '../worker/protocol.ts';

/** The way of a line from one box to another, and its middle. */
export function way(a: Place, b: Place): { path: string; x: number; y: number } {
  const [ay, by] = [a.y + a.height / 2, b.y + b.height / 2];
  // Forwards: from the right side to the left side.
  if (b.x >= a.x + a.width - 10) {
    const [x1, x2] = [a.x + a.width, b.x - 7];
    const bend = Math.max(30, (x2 - x1) / 2);
    return {
      path: `M${x1} ${ay} C${x1 + bend} ${ay} ${x2 - bend} ${by} ${x2} ${by}`,
      x: (x1 + x2) / 2,
      y: (ay + by) / 2,
    };
  }
  if (a.x >= b.x + b.width - 10) {
    const [x1, x2] = [a.x, b.x + b.width + 7];
    const bend = Math.max(30, (x1 - x2) / 2);
    return {
      path: `M${x1} ${ay} C${x1 - bend} ${ay} ${x2 + bend} ${by} ${x2} ${by}`,
      x: (x1 + x2) / 2,
      y: (ay + by) / 2,
    };
  }
  // In one column: around the right side.
  const [x1, x2] = [a.x + a.width, b.x + b.width + 7];
  const out = Math.max(x1, x2) + 46;
  return { path: `M${x1} ${ay} C${out} ${ay} ${out} ${by} ${x2} ${by}`, x: out - 12, y: (ay + by) / 2 };
}
