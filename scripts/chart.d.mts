import type { JsonObject } from '../shared/types.ts';

export function chartFiles(root: string): Promise<Record<string, string>>;
export function objectsOf(folder: string): JsonObject[];
export function withComponents(root: string, components: readonly string[]): Promise<JsonObject[]>;
export function idOf(object: JsonObject): string;
