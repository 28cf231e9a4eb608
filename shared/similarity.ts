import { canonicalJson, isObject } from './json.ts';
import { mayIdentify } from './merge-key.ts';
import type { Json } from './types.ts';

/** The parts of an item with their weights, and the total weight. */
export interface Parts {
  weights: Map<string, number>;
  total: number;
}

/** Values that identify an item, such as its name, weigh more than others. */
const IDENTIFYING = 3;
/** Having the same field, with any value, weighs less. */
const SHAPE = 0.25;
/** The most parts of an item, and characters of a text, that are compared: this bounds the time for hostile input. */
const MAX_PARTS = 128;
const MAX_TEXT = 2000;

/**
 * The parts of a list item (`field` is the list's name): its values by field, ignoring their index in lists; for a text, its
 * words.
 */
export function partsOf(item: Json, field: string): Parts {
  const weights = new Map<string, number>();
  let total = 0;
  const add = (part: string, weight: number): void => {
    if (weights.size >= MAX_PARTS) return;
    weights.set(part, (weights.get(part) ?? 0) + weight);
    total += weight;
  };
  const walk = (value: Json, path: string, weight: number): void => {
    if (weights.size >= MAX_PARTS) return;
    if (Array.isArray(value)) {
      for (const inner of value) walk(inner, `${path}[]`, weight);
    } else if (isObject(value)) {
      for (const [key, member] of Object.entries(value)) {
        walk(member, `${path}.${key}`, path === '' && mayIdentify(field, key) ? IDENTIFYING : weight);
      }
    } else {
      add(`${path}=${typeof value === 'string' ? value : canonicalJson(value)}`, weight);
      add(path, SHAPE);
    }
  };
  if (typeof item === 'string') {
    for (const word of item.slice(0, MAX_TEXT).match(/[\p{L}\p{N}_]+/gu) ?? []) add(word, 1);
  } else walk(item, '', 1);
  return { weights, total };
}

/** How much two items have in common, from 0 to 1: the Sørensen–Dice coefficient of their parts. */
export function similarity(a: Parts, b: Parts): number {
  let common = 0;
  for (const [part, weight] of a.weights) common += Math.min(weight, b.weights.get(part) ?? 0);
  return common === 0 ? 0 : (2 * common) / (a.total + b.total);
}
