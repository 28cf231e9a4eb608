import type { ImpactEffect } from '../../../shared/landscape/effects.ts';
import type { Certainty, Relation } from '../../../shared/landscape/types.ts';
import type { ObjectRef } from '../../../shared/types.ts';
import type { Snapshot, Turn } from '../../page/wire.ts';

/*
 * What the page and its worker say to each other. The worker has the facts of the loaded window, and derives from them what the map
 * shows at a moment: with the same code as the command line (shared/landscape), and without asking the server.
 */

/** `apps`: applications as boxes. `objects`: all that is in them. */
export type Level = 'apps' | 'objects';

/** What the map is about: everything, one application with its neighbours, or one object with its neighbours. */
export type Focus = { kind: 'all' } | { kind: 'app'; name: string } | { kind: 'object'; id: string };

export interface View {
  level: Level;
  focus: Focus;
}

export type BoxKind = 'app' | 'host' | 'external' | 'workload' | 'service' | 'object' | 'loose' | 'missing';

/** A box of the map. `id` is the same at all moments. */
export interface Box {
  id: string;
  kind: BoxKind;
  title: string;
  /** The type of an object; what stands under the title of others. */
  type: string;
  teams: string[];
  product: string;
  release: string;
  /** Pods that run for it; null where it runs none. */
  pods: number | null;
  /** How many edges lead to what does not exist, and the names of that. */
  broken: number;
  missing: string[];
  /** Labels and images tell different versions, or evidence disagrees. */
  conflict: string;
  /** What very many use: told here instead of by a line each. */
  badges: string[];
  /** The object that it is, where it is one. */
  object: ObjectRef | null;
  /** Whether it is in the application that is focused. */
  inside: boolean;
}

/** Edges between two boxes, merged. */
export interface Line {
  id: string;
  from: string;
  to: string;
  count: number;
  /** The surest of them. */
  certainty: Certainty;
  broken: number;
  relations: Relation[];
}

export interface MapModel {
  boxes: Box[];
  lines: Line[];
  /** How many boxes were left out, because there would be too many. */
  left: number;
  totals: { objects: number; edges: number; applications: number };
  /** Of each object by its uid the box that it is in. */
  boxOf: Record<string, string>;
}

export interface Place {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Where boxes are, for all that a window shows. */
export interface Layout {
  places: Record<string, Place>;
  width: number;
  height: number;
}

export interface EdgeRow {
  from: string;
  relation: Relation;
  to: string;
  certainty: Certainty;
  key: string;
  missing: '' | 'object' | 'key' | 'grant';
  optional: boolean;
  by: string;
  field: string;
  fromId: string;
  toId: string;
}

export interface ApplicationRow {
  name: string;
  teams: string[];
  products: string[];
  managers: string[];
  releases: string[];
  releasesFrom: 'label' | 'tag';
  exposed: string[];
  members: { title: string; id: string; team: string; because: string; version: string; revision: string; chart: string; conflict: string }[]; // prettier-ignore
}

export interface TableModel {
  applications: ApplicationRow[];
  edges: EdgeRow[];
  none: { title: string; id: string }[];
}

export interface ObjectModel {
  object: ObjectRef;
  application: string;
  team: string;
  because: string;
  uses: EdgeRow[];
  usedBy: EdgeRow[];
}

export interface ImpactRow {
  title: string;
  id: string;
  effect: ImpactEffect;
  certainty: Certainty;
  depth: number;
  why: string;
  application: string;
  exposed: boolean;
}

/** What of two moments differs. */
export interface Comparison {
  boxes: { added: string[]; removed: string[]; changed: { id: string; what: string[] }[] };
  lines: { added: string[]; removed: string[] };
  /** Edges as the table has them. */
  edges: { added: EdgeRow[]; removed: EdgeRow[] };
  applications: { name: string; what: string[] }[];
}

/** A change of the version of a workload. */
export interface ReleaseMark {
  at: number;
  seq: number;
  title: string;
  text: string;
  application: string;
}

export interface Found {
  id: string;
  title: string;
  what: string;
  application: string;
}

/** All that the worker is asked, by its name: what it takes, and what it answers. */
export interface Asks {
  start: [snapshot: Pick<Snapshot, 'objects' | 'at' | 'rules'>, void];
  turns: [turns: (Omit<Turn, 'object'> & { object: ObjectRef })[], { marks: ReleaseMark[] }];
  map: [{ at: number; view: View }, MapModel];
  layout: [{ from: number; to: number; at: number; view: View }, Layout];
  table: [{ at: number }, TableModel];
  object: [{ at: number; id: string }, ObjectModel | null];
  impact: [{ at: number; id: string; gone: boolean }, { rows: ImpactRow[]; beyond: number } | null];
  compare: [{ a: number; b: number; view: View }, Comparison];
  search: [{ at: number; text: string }, Found[]];
}
export type AskName = keyof Asks;
