import { isAlias, isMap, isPair, isScalar, isSeq, parseAllDocuments, type Node } from 'yaml';
import { messageOf } from '../../shared/errors.ts';
import { parseJson } from '../../shared/json.ts';
import type { Json } from '../../shared/types.ts';
import { keyText, plainScalar, taggedScalar, textScalar, type GoScalar } from './go-scalar.ts';

/** What one YAML document means to kubectl. */
export interface GoDocument {
  value: Json;
  /** What kubectl passes over without a word. */
  warnings: string[];
}

const YAML_TAG = 'tag:yaml.org,2002:';
/** Beyond so many nodes that come from aliases a document is an attack: go-yaml refuses such ones too. */
const MAX_ALIASED = 100_000;

/**
 * Reads one YAML document as kubectl does. The first line is `line` of its file. Of a key that occurs twice the last
 * value counts; what follows `...` is not read. Throws an Error that says what is wrong, and where.
 */
export function readGoYaml(text: string, line = 1): GoDocument {
  // All scalars stay texts: what they mean is decided here.
  const options = { version: '1.1', schema: 'failsafe', merge: false, uniqueKeys: false, strict: false } as const;
  const documents = parseAllDocuments(text, { ...options, logLevel: 'silent', prettyErrors: false });
  const [document] = 'empty' in documents ? [] : documents;
  if (document === undefined) return { value: null, warnings: [] };
  const lineOf = (offset: number): number => line + text.slice(0, offset).split('\n').length - 1;
  const [error] = document.errors;
  if (error !== undefined) throw new Error(`line ${lineOf(error.pos[0])}: ${error.message}`);
  const reader = new Reader(lineOf);
  const json = reader.json(document.contents);
  if (documents.length > 1)
    reader.warnings.push('what follows the line "..." is not read, as kubectl does not read it');
  return { value: parseJson(json), warnings: reader.warnings };
}

class Reader {
  readonly warnings: string[] = [];
  private readonly anchors = new Map<string, Node>();
  /** Anchors whose node is being read. */
  private readonly open = new Set<Node>();
  /** How many aliases the node that is being read came through, and how many nodes came through any. */
  private depth = 0;
  private aliased = 0;

  constructor(private readonly lineOf: (offset: number) => number) {}

  /** JSON text of a node. */
  json(node: unknown): string {
    if (node === null || node === undefined) return 'null';
    if (isAlias(node)) return this.alias(node.source, node.range?.[0], (target) => this.json(target));
    this.count(node);
    if (isMap(node)) {
      const members = [...this.members(node)].map(([key, value]) => `${JSON.stringify(key)}:${value}`);
      return `{${members.join(',')}}`;
    }
    if (isSeq(node)) return this.inside(node, () => `[${node.items.map((item) => this.json(item)).join(',')}]`);
    const { tag, json } = this.scalar(node);
    if (tag === 'float' && !/\d/.test(json)) throw this.fail(node, `JSON has no number ${json}: put it in quotes`);
    return json;
  }

  /** JSON texts by key. */
  private members(node: unknown): Map<string, string> {
    const members = new Map<string, string>();
    if (!isMap(node)) return members;
    const keys = new Set<string>();
    this.inside(node, () => {
      for (const pair of node.items) {
        if (!isPair(pair)) continue;
        if (isMergeKey(pair.key)) {
          this.merge(pair.value, members);
          continue;
        }
        const key = this.key(pair.key);
        if (keys.has(key)) {
          const what = `the key ${JSON.stringify(key)} occurs twice, and the last one counts, as for kubectl`;
          this.warnings.push(`line ${this.lineAt(pair.key)}: ${what}`);
        }
        keys.add(key);
        members.set(key, this.json(pair.value));
      }
    });
    return members;
  }

  /** `<<: *base`: what it names comes in as if it stood here. */
  private merge(value: unknown, members: Map<string, string>): void {
    if (isAlias(value)) {
      this.alias(value.source, value.range?.[0], (target) => this.merge(target, members));
    } else if (isMap(value)) {
      this.count(value);
      for (const [key, json] of this.members(value)) members.set(key, json);
    } else if (isSeq(value) && value.items.every((item) => isMap(item) || isAlias(item))) {
      // The first ones count most.
      for (const item of [...value.items].reverse()) this.merge(item, members);
    } else {
      throw this.fail(value, 'map merge requires map or sequence of maps as the value');
    }
  }

  private key(node: unknown): string {
    if (isAlias(node)) return this.alias(node.source, node.range?.[0], (target) => this.key(target));
    if (isMap(node) || isSeq(node)) throw this.fail(node, 'a map or a list cannot be a key');
    if (isNode(node)) this.count(node);
    try {
      return keyText(this.scalar(node));
    } catch (error) {
      throw this.fail(node, messageOf(error));
    }
  }

  private scalar(node: unknown): GoScalar {
    if (!isScalar(node)) return plainScalar('');
    const text = typeof node.value === 'string' ? node.value : '';
    const { tag } = node;
    try {
      if (tag?.startsWith(YAML_TAG) === true) return taggedScalar(tag.slice(YAML_TAG.length), text);
      return node.type === 'PLAIN' && tag === undefined ? plainScalar(text) : textScalar(text);
    } catch (error) {
      throw this.fail(node, messageOf(error));
    }
  }

  private alias<T>(name: string, offset: number | undefined, read: (target: Node) => T): T {
    const target = this.anchors.get(name);
    const where = `line ${this.lineOf(offset ?? 0)}`;
    if (target === undefined) throw new Error(`${where}: unknown anchor '${name}' referenced`);
    if (this.open.has(target)) throw new Error(`${where}: anchor '${name}' value contains itself`);
    this.depth++;
    const result = read(target);
    this.depth--;
    return result;
  }

  private inside<T>(node: Node, read: () => T): T {
    this.open.add(node);
    const result = read();
    this.open.delete(node);
    return result;
  }

  /** Counts a node that is read, and knows its anchor from now on. */
  private count(node: unknown): void {
    if (!isNode(node)) return;
    if ('anchor' in node && typeof node.anchor === 'string') this.anchors.set(node.anchor, node);
    if (this.depth > 0 && ++this.aliased > MAX_ALIASED) throw this.fail(node, 'document contains excessive aliasing');
  }

  private fail(node: unknown, message: string): Error {
    return new Error(`line ${this.lineAt(node)}: ${message}`);
  }

  private lineAt(node: unknown): number {
    return this.lineOf(isNode(node) ? (node.range?.[0] ?? 0) : 0);
  }
}

function isNode(node: unknown): node is Node {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node);
}

/** Only without quotes. */
function isMergeKey(node: unknown): boolean {
  return isScalar(node) && node.value === '<<' && node.type === 'PLAIN' && (node.tag === undefined || node.tag === `${YAML_TAG}merge`); // prettier-ignore
}
