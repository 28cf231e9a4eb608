import { KubeblameError, messageOf } from '../../shared/errors.ts';
import { isObject, parseJson } from '../../shared/json.ts';
import { apiVersionOf, metadataOf, metadataText, normalise } from '../../shared/normalise.ts';
import type { Json, JsonObject } from '../../shared/types.ts';
import { readGoYaml } from './go-yaml.ts';

/** What a manifest holds. What cannot be read does not hide the rest. */
export interface Manifest {
  /** Bodies with apiVersion, kind, and metadata.name or generateName. */
  objects: JsonObject[];
  /** What kubectl passes over without a word, and what cannot be used: sentences that begin with the file's name. */
  warnings: string[];
  problems: string[];
}

/** The objects of a file of YAML documents, or of a stream of JSON values, and of the lists in it, as kubectl reads it. */
export function readManifest(text: string, filename: string): Manifest {
  const manifest: Manifest = { objects: [], warnings: [], problems: [] };
  for (const { parse, line } of jsonStream(text) ?? yamlDocuments(text)) {
    const attempt = (read: () => void): void => {
      try {
        read();
      } catch (error) {
        const message = messageOf(error);
        // README.md and the like; stdin has no ending.
        const what = /\.(?!ya?ml$|json$)[^./]+$/.test(filename) ? 'not a manifest in YAML or JSON: ' : '';
        manifest.problems.push(`${filename}: ${what}${/^line \d/.test(message) ? '' : `line ${line}: `}${message}`);
      }
    };
    attempt(() => {
      const { value, warnings } = parse();
      manifest.warnings.push(...warnings.map((warning) => `${filename}: ${warning}`));
      for (const object of value === null ? [] : objectsOf(value))
        attempt(() => void manifest.objects.push(checked(object)));
    });
  }
  return manifest;
}

interface Document {
  parse: () => { value: Json; warnings: string[] };
  /** Where it begins, from 1. */
  line: number;
}

/** JSON values one after the other, as `kubectl get -o json` and `-o jsonl` write them; null where it is not JSON. */
function jsonStream(text: string): Document[] | null {
  if (!/^\ufeff?\s*\{/.test(text)) return null;
  const documents: Document[] = [];
  let line = 1;
  for (const part of jsonValues(text.replace(/^\ufeff/, ''))) {
    let value: Json;
    try {
      value = parseJson(part);
    } catch (error) {
      // Of a key that occurs twice kubectl takes the last, as in YAML. All else is YAML in braces.
      if (!(error instanceof KubeblameError) || error.code !== 'json-duplicate-key') return null;
      const { value: last, warnings } = readGoYaml(part, line);
      documents.push({ parse: () => ({ value: last, warnings }), line });
      line += part.split('\n').length - 1;
      continue;
    }
    documents.push({ parse: () => ({ value, warnings: [] }), line });
    line += part.split('\n').length - 1;
  }
  return documents;
}

/** The texts of JSON objects that follow one another. */
function jsonValues(text: string): string[] {
  const parts: string[] = [];
  let [start, depth, quoted] = [0, 0, false];
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (quoted) {
      if (character === '\\') index++;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '{' || character === '[') depth++;
    else if ((character === '}' || character === ']') && --depth === 0) {
      parts.push(text.slice(start, index + 1));
      start = index + 1;
    }
  }
  if (text.slice(start).trim() !== '') parts.push(text.slice(start));
  return parts;
}

/** YAML documents between lines of `---`, each read by itself: an anchor ends with its document. */
function yamlDocuments(text: string): Document[] {
  const documents: Document[] = [];
  let lines: string[] = [];
  let first = 1;
  const end = (next: number): void => {
    // Its last line ends too, but for that of the file.
    const [content, line] = [lines.join('\n') + (next > 0 ? '\n' : ''), first];
    if (content.trim() !== '') documents.push({ parse: () => readGoYaml(content, line), line });
    [lines, first] = [[], next];
  };
  for (const [index, line] of text.split('\n').entries()) {
    if (!line.startsWith('---')) {
      lines.push(line);
      continue;
    }
    end(index + 2);
    const rest = line.slice('---'.length).trim();
    if (rest === '' || rest.startsWith('#')) continue;
    const fail = (): never => {
      throw new Error(`kubectl takes nothing behind --- on its line: ${rest}`);
    };
    documents.push({ parse: fail, line: index + 1 });
  }
  end(0);
  return documents;
}

function objectsOf(value: Json): Json[] {
  if (!isObject(value)) return [value];
  const { items, kind } = value;
  return Array.isArray(items) && typeof kind === 'string' && kind.endsWith('List') ? items.flatMap(objectsOf) : [value];
}

function checked(value: Json): JsonObject {
  if (!isObject(value)) throw new Error('it holds something that is no object');
  if (typeof value.kind !== 'string' || value.kind === '') throw new Error('an object has no kind');
  if (apiVersionOf(value) === '') throw new Error(`an object of kind ${value.kind} has no apiVersion`);
  const { name } = metadataOf(value);
  if (name !== undefined && typeof name !== 'string') {
    throw new Error(`metadata.name of a ${value.kind} is not a text: put it in quotes`);
  }
  if (metadataText(value, 'name') === '' && metadataText(value, 'generateName') === '') {
    throw new Error(`an object of kind ${value.kind} has no metadata.name`);
  }
  return normalise(value).body;
}
