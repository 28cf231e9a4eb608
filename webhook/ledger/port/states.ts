import { apiVersionOf } from '../../../shared/normalise.ts';
import { applyPatch, diff } from '../../../shared/patch.ts';
import type { JsonObject, Patch } from '../../../shared/types.ts';
import type { LedgerView, StoredChange } from './port.ts';

/** States that one answer remembers: more than a page of them. */
const REMEMBERED = 2_000;

/** A change's bodies, and what leads from the one to the other. */
interface Around {
  before: JsonObject | null;
  after: JsonObject | null;
  patch: Patch;
}

/** Rebuilds states for one answer. Remembers what it has rebuilt: the next change mostly starts from it. */
export class States {
  private readonly known = new Map<number, JsonObject | null>();

  constructor(private readonly store: LedgerView) {}

  /** The body after a change; null where it ended the object. */
  async after(seq: number): Promise<JsonObject | null> {
    const known = this.known.get(seq);
    if (known !== undefined) return known;
    const line = await this.store.lineage(seq);
    const start = line.findIndex((step) => this.known.has(step.seq));
    const steps = start < 0 ? line : line.slice(0, start);
    let body = start < 0 ? null : (this.known.get(line[start]?.seq ?? 0) ?? null);
    for (const step of steps.reverse()) body = step.bodySnapshot() ?? applyPatch(body, step.patch());
    return this.keep(seq, body);
  }

  /**
   * The bodies before and after a change; null where it did not exist. A request is told by what it was made on, where that was
   * shown otherwise than it is stored; but not where it is stored in the API version of the body before it after all.
   */
  async around(change: StoredChange): Promise<Around> {
    const parent = change.parent === null ? null : await this.after(change.parent);
    const { patch, base } = change.detail();
    if (change.effect === 'none') return { before: parent, after: null, patch };
    const after = this.keep(change.seq, this.known.get(change.seq) ?? applyPatch(parent, patch));
    const given = base === undefined ? parent : applyPatch(parent, base);
    const before = change.effect === 'deleted' || apiVersionOf(given) === change.apiVersion ? given : parent;
    if (change.amended || before !== given) return { before, after, patch: diff(before, after) };
    return { before, after, patch: base === undefined ? patch : patch.slice(base.length) };
  }

  /** A search by field can go through many more states than it finds. */
  private keep(seq: number, body: JsonObject | null): JsonObject | null {
    const [oldest] = this.known.keys();
    if (this.known.size >= REMEMBERED && oldest !== undefined) this.known.delete(oldest);
    this.known.set(seq, body);
    return body;
  }
}
