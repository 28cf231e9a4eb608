/**
 * Widths for columns whose texts may be shortened, so that together they take at most `budget`: the widest give way
 * first, none below `least`.
 */
export function shrink(widths: readonly number[], budget: number, least: number): number[] {
  const fitted = [...widths];
  let over = fitted.reduce((sum, width) => sum + width, 0) - budget;
  for (; over > 0; over--) {
    const widest = fitted.indexOf(Math.max(...fitted));
    const width = fitted[widest] ?? 0;
    if (width <= least) break;
    fitted[widest] = width - 1;
  }
  return fitted;
}

/** The same, but the first of them gives way before the others do, to `leastFirst`. */
export function shrinkFirst(widths: readonly number[], budget: number, least: number, leastFirst = least): number[] {
  const [first = 0, ...others] = widths;
  const rest = others.reduce((sum, width) => sum + width, 0);
  const fitted = Math.min(first, Math.max(Math.min(first, leastFirst), budget - rest));
  return [fitted, ...shrink(others, budget - fitted, least)];
}

/** The widest of many; `Math.max` would take each as an argument. */
export function widest(widths: Iterable<number>): number {
  let max = 0;
  for (const width of widths) max = Math.max(max, width);
  return max;
}
