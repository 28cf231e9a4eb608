import { escapeKey, exactNumber, isObject, stringifyJson } from './json.ts';
import { metadataText } from './normalise.ts';
import { jsonOf, Needles, Search, type CopyShape } from './redact-search.ts';
import { mapList, mapMembers, replaceAt, type PathStep, type RedactionRule } from './redaction-rules.ts';
import type { Json, JsonObject } from './types.ts';

/** Fields that are not searched, because they name the object, and every reader may know them. */
const OPEN_MEMBERS = new Set(['apiVersion', 'kind', 'type']);
const OPEN_METADATA = new Set([
  ...['name', 'namespace', 'uid', 'generateName', 'creationTimestamp', 'deletionTimestamp', 'resourceVersion'],
  ...['selfLink', 'ownerReferences'],
]);

/** kubectl's copy of the object. */
const LAST_APPLIED = '/metadata/annotations/kubectl.kubernetes.io/last-applied-configuration';

/** A path of a rule. */
export interface CompiledPath extends Pick<RedactionRule, 'labels'> {
  steps: readonly PathStep[];
  /** Its index among the configured paths; null for a built-in one. */
  index: number | null;
}

/** The parsed document, if a text is a JSON object or list. */
export function copyOf(text: string): Json | undefined {
  return looksLikeJson(text) ? jsonOf(text) : undefined;
}

function looksLikeJson(text: string): boolean {
  return /^\s*[[{]/.test(text);
}

/** What the redaction of a body needs. */
export interface RedactionContext {
  paths: readonly CompiledPath[];
  scope: string;
  tag(this: void, value: Json, at: string): string;
  count(this: void, index: number): void;
  earlier: { isEmpty: boolean; has(this: void, tag: string): boolean; add(this: void, tag: string): void };
}

/** The redaction of one body. */
export class Redaction {
  /** Tags that are in the result. */
  private readonly made = new Set<string>();
  private readonly copies = new Map<string, Json | undefined>();
  /** Texts that are names of the object. */
  private readonly open = new Set<string>();
  private readonly own = new Needles(this.open);
  private readonly others = new Needles(this.open);
  private readonly search: Search;
  /** Each has its own budget, so that what one finds does not depend on what the other has used. */
  private readonly otherSearch: Search;
  private readonly kind: Json;

  /** `other`: the other object of the same review. */
  constructor(
    private readonly context: RedactionContext,
    private readonly body: JsonObject,
    private readonly other: JsonObject | null,
  ) {
    this.kind = body.kind ?? null;
    this.search = this.searchFor(body);
    this.otherSearch = this.searchFor(other ?? {});
  }

  private searchFor(object: JsonObject): Search {
    const shape: CopyShape = {
      holdsValue: (document, strict) => this.holdsValue(document, strict),
      key: this.keyPattern(object),
    };
    return new Search(shape);
  }

  run(): JsonObject {
    const { body, other } = this;
    const { scope } = this.context;
    for (const object of other === null ? [body] : [body, other]) {
      for (const key of OPEN_MEMBERS) if (typeof object[key] === 'string') this.open.add(object[key]);
      for (const key of ['name', 'namespace', 'uid']) this.open.add(metadataText(object, key));
    }
    this.collect(body, this.own);
    if (other !== null) this.collect(other, this.others);
    const replaced = this.replaceValues(body, scope, true) as JsonObject;
    return mapMembers(replaced, (child, key) => {
      if (OPEN_MEMBERS.has(key)) return child;
      const at = `${scope}/${key}`;
      if (key !== 'metadata' || !isObject(child)) return this.look(child, at, false);
      return mapMembers(child, (inner, name) => {
        if (OPEN_METADATA.has(name)) return inner;
        if (name === 'managedFields') return this.lookIntoKeys(inner);
        return this.look(inner, `${at}/${name}`, name === 'annotations');
      });
    });
  }

  /** Finds the values at the paths, and those in copies of the object inside of it. */
  private collect(body: JsonObject, needles: Needles): void {
    const visit = (found: Json): void => needles.add(found);
    this.visitValues(body, visit);
    const inCopies = (value: Json, strict: boolean): void => {
      if (typeof value === 'string') {
        const copy = this.copy(value);
        if (copy !== undefined) this.visitCopies(copy, strict, visit, (text) => inCopies(text, strict));
      } else if (isObject(value) && value === body.metadata) {
        for (const [key, child] of Object.entries(value)) inCopies(child, key === 'annotations');
      } else if (typeof value === 'object' && value !== null) {
        for (const child of Object.values(value)) inCopies(child, strict);
      }
    };
    inCopies(body, false);
  }

  /** Visits the confidential values of a document and of all objects in it that may be copies. `text` is called for all texts. */
  private visitCopies(
    document: Json,
    strict: boolean,
    visit: (found: Json) => void,
    text: (value: string) => void = () => undefined,
  ): void {
    if (typeof document === 'string') text(document);
    if (typeof document !== 'object' || document === null) return;
    if (this.mayBeCopy(document, strict)) this.visitValues(document, visit);
    for (const child of Object.values(document)) this.visitCopies(child, strict, visit, text);
  }

  /** In an annotation any object may be a copy; elsewhere only one that says that it is of this kind. */
  private mayBeCopy(value: Json, strict: boolean): boolean {
    return strict || (isObject(value) && this.kind !== null && value.kind === this.kind);
  }

  private holdsValue(document: Json, strict: boolean): boolean {
    let found = false;
    this.visitCopies(document, strict, (value) => {
      found ||= value !== null && value !== '';
    });
    return found;
  }

  private visitValues(value: Json, visit: (found: Json, key: string) => void): void {
    for (const { steps } of this.context.paths) {
      replaceAt(value, steps, '', (found, at) => {
        visit(found, at.slice(at.lastIndexOf('/') + 1));
        return found;
      });
    }
  }

  private replaceValues(value: Json, at: string, counts: boolean): Json {
    return this.context.paths.reduce(
      (result, { steps, index }) =>
        replaceAt(result, steps, at, (found, place) => {
          // Already, by the path of another rule.
          if (typeof found === 'string' && this.made.has(found)) return found;
          if (counts && index !== null) this.context.count(index);
          return this.tag(found, place);
        }),
      value,
    );
  }

  private tag(value: Json, at: string): string {
    const tag = this.context.tag(value, at);
    this.made.add(tag);
    return tag;
  }

  private look(value: Json, at: string, strict: boolean): Json {
    if (typeof value === 'string') return this.lookInto(value, at, strict);
    if (Array.isArray(value)) return mapList(value, (item, index) => this.look(item, `${at}/${index}`, strict));
    return isObject(value) ? mapMembers(value, (child, key) => this.look(child, `${at}/${key}`, strict)) : value;
  }

  private lookInto(text: string, at: string, strict: boolean): string {
    if (text === '' || this.made.has(text) || this.open.has(text)) return text;
    const number = exactNumber(text);
    if (number !== null) return this.holdsPlainly(number) ? this.tag(text, at) : text;
    const copy = this.copy(text);
    if (copy !== undefined) {
      const clean = this.cleanCopy(copy, this.context.scope, strict);
      const written = clean === copy ? text : stringifyJson(clean);
      // The value is in a key, or is a number.
      if (this.holdsPlainly(written)) return this.tag(text, at);
      return written;
    }
    // It is a copy of the object that cannot be parsed.
    if (strict && at.endsWith(LAST_APPLIED)) return this.tag(text, at);
    if (this.hides(this.search, text, this.own, strict)) return this.tag(text, at);
    if (!this.others.isEmpty && this.hides(this.otherSearch, text, this.others, strict)) {
      const tag = this.tag(text, at);
      this.context.earlier.add(tag);
      return tag;
    }
    const tag = this.context.earlier.isEmpty ? '' : this.context.tag(text, at);
    return this.context.earlier.has(tag) ? tag : text;
  }

  private hides(search: Search, text: string, needles: Needles, strict: boolean): boolean {
    return (strict || !needles.isEmpty) && search.hides(text, needles, strict);
  }

  private holdsPlainly(text: string): boolean {
    return [this.own, this.others].some((needles) => this.search.holdsPlainly(text, needles));
  }

  /** Keeps the form of a copy; its values get the same tags as in the object. */
  private cleanCopy(value: Json, at: string, strict: boolean): Json {
    const replaced = this.mayBeCopy(value, strict) ? this.replaceValues(value, at, false) : value;
    if (typeof replaced === 'string') return this.lookInto(replaced, at, strict);
    if (Array.isArray(replaced)) {
      return mapList(replaced, (item, index) => this.cleanCopy(item, `${at}/${index}`, strict));
    }
    return isObject(replaced)
      ? mapMembers(replaced, (child, key) => this.cleanCopy(child, `${at}/${key}`, strict))
      : replaced;
  }

  private copy(text: string): Json | undefined {
    if (!looksLikeJson(text)) return undefined;
    if (!this.copies.has(text)) this.copies.set(text, jsonOf(text));
    return this.copies.get(text);
  }

  /** managedFields contain the items of some lists as keys: `v:"text"`. */
  private lookIntoKeys(value: Json): Json {
    if (Array.isArray(value)) return mapList(value, (item) => this.lookIntoKeys(item));
    if (!isObject(value)) return value;
    const clean = mapMembers(value, (child) => this.lookIntoKeys(child));
    const isValue = (key: string): boolean => /^[vk]:/.test(key) && this.holdsPlainly(key);
    if (!Object.keys(clean).some(isValue)) return clean;
    return Object.fromEntries(
      Object.entries(clean).map(([key, child]) => [
        isValue(key) ? escapeKey(`v:${JSON.stringify(this.tag(key, `${this.context.scope}/managedFields`))}`) : key,
        child,
      ]),
    );
  }

  /** Matches a copy that is not JSON: the name of a confidential field, or of the map around it, as a key. */
  private keyPattern(object: JsonObject): RegExp {
    const names = new Set(this.context.paths.map(({ steps }) => steps.findLast(({ any }) => !any)?.name ?? ''));
    this.visitValues(object, (_, key) => {
      if (!/^\d*$/.test(key)) names.add(key);
    });
    names.delete('');
    const escaped = [...names].map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    return escaped.length === 0 ? /$^/ : new RegExp(`(?<![\\w])(?:${escaped.join('|')})\\\\*["']?\\]?\\s*[:=]`);
  }
}
