import { stringifyJson, unescapeText } from '../../../../shared/json.ts';
import { printable } from '../../../../shared/printable.ts';
import { typeNamer } from '../../../../shared/resource-types.ts';
import { formatAge, formatUtc } from '../../../../shared/time.ts';
import type {
  Change,
  CoverageInterval,
  Delta,
  Json,
  JsonObject,
  ResourceType,
  State,
} from '../../../../shared/types.ts';
import { changeDocument, coverageDocument, listMetadata, stateDocument, type ListFacts } from './documents.ts';

/** What a row's `object` holds: includeObject of the request. */
export type Include = 'Metadata' | 'Object' | 'None';

interface Column {
  name: string;
  type: 'string' | 'integer' | 'boolean';
  description: string;
  /** Only with `-o wide`. */
  wide?: boolean;
  format?: string;
}

const CHANGE_COLUMNS: Column[] = [
  { name: 'Name', type: 'string', format: 'name', description: 'Its number in the ledger.' },
  { name: 'Age', type: 'string', description: 'How long ago.' },
  { name: 'User', type: 'string', description: 'Who did it.' },
  { name: 'Operation', type: 'string', description: 'What was asked for.' },
  { name: 'Object', type: 'string', description: 'On what.' },
  { name: 'Change', type: 'string', description: 'What changed.' },
  { name: 'Time', type: 'string', description: 'When.', wide: true },
  { name: 'Manager', type: 'string', description: 'The field manager.', wide: true },
  { name: 'Outcome', type: 'string', description: 'What became of it.', wide: true },
];

const STATE_COLUMNS: Column[] = [
  { name: 'Name', type: 'string', format: 'name', description: 'Type and name of the object.' },
  { name: 'Last Changed', type: 'string', description: 'When this state was made.' },
  { name: 'By', type: 'string', description: 'Who made it.' },
  { name: 'Change', type: 'string', description: 'The change that made it.' },
];

const COVERAGE_COLUMNS: Column[] = [
  { name: 'From', type: 'string', description: 'Beginning.' },
  { name: 'To', type: 'string', description: 'End.' },
  { name: 'Covered', type: 'boolean', description: 'Whether all that happened was recorded.' },
  { name: 'Cause', type: 'string', description: 'Why it was not.' },
];

/** What `kubectl get changes` prints. `now` is ms; `types` are those that are known, so that names are clear among them. */
export function changeTable(
  changes: readonly Change[],
  facts: ListFacts,
  include: Include,
  now: number,
  types: readonly ResourceType[],
): JsonObject {
  const typeName = typeNamer(types);
  const rows = changes.map((change) => ({
    cells: [
      String(change.seq),
      formatAge(Math.max(0, now - change.at)),
      change.actor === null ? '<unknown>' : cell(change.actor.username),
      `${change.operation.toLowerCase()}${change.subresource === '' ? '' : `/${cell(change.subresource)}`}`,
      cell(`${typeName(change.object)}/${change.object.name}`),
      summaryOf(change),
      formatUtc(change.at),
      cell(change.manager),
      change.outcome,
    ],
    ...objectIn(changeDocument(change), include),
  }));
  return table(CHANGE_COLUMNS, rows, facts);
}

export function stateTable(states: readonly State[], at: number, facts: ListFacts, include: Include): JsonObject {
  const rows = states.map((state) => {
    const document = stateDocument(state, at);
    const { name } = document.metadata as { name: string };
    const who = state.actor === null ? '<unknown>' : cell(state.actor.username);
    return {
      cells: [cell(name), formatUtc(state.changedAt), who, String(state.seq)],
      ...objectIn(document, include),
    };
  });
  return table(STATE_COLUMNS, rows, facts);
}

export function coverageTable(intervals: readonly CoverageInterval[], facts: ListFacts, include: Include): JsonObject {
  const rows = intervals.map((interval) => ({
    cells: [
      formatUtc(interval.from),
      interval.to === null ? '<now>' : formatUtc(interval.to),
      interval.covered,
      cell(interval.cause),
    ],
    ...objectIn(coverageDocument(interval), include),
  }));
  return table(COVERAGE_COLUMNS, rows, facts);
}

function table(columns: readonly Column[], rows: Json[], facts: ListFacts): JsonObject {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: listMetadata(facts),
    columnDefinitions: columns.map(({ name, type, description, wide, format }) => ({
      name,
      type,
      format: format ?? '',
      description,
      priority: wide === true ? 1 : 0,
    })),
    rows,
  };
}

function objectIn(document: JsonObject, include: Include): JsonObject {
  if (include === 'None') return {};
  if (include === 'Object') return { object: document };
  const { metadata = null } = document;
  return { object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata } };
}

/** Names come from the cluster: nothing in them moves the cursor of a terminal. */
function cell(text: string): string {
  return printable(unescapeText(text));
}

const MAX_VALUE = 40;
const MAX_DELTAS = 2;

/** The first changed values on one line. */
function summaryOf({ effect, source, deltas }: Change): string {
  if (effect === 'none') return '';
  if (effect === 'created') return source === 'baseline' ? 'first seen' : 'created';
  if (effect === 'deleted') return 'deleted';
  const shown = deltas.slice(0, MAX_DELTAS).map(deltaText);
  const rest = deltas.length - shown.length;
  return [...shown, ...(rest > 0 ? [`${rest} more`] : [])].join('; ');
}

function deltaText({ path, kind, before, after }: Delta): string {
  const name = cell(path);
  if (kind === 'added') return `+ ${name}: ${valueText(after)}`;
  if (kind === 'removed') return `- ${name}`;
  return `${name}: ${valueText(before)} → ${valueText(after)}`;
}

function valueText(value: Json | undefined): string {
  const text = cell(typeof value === 'string' ? value : stringifyJson(value ?? null).slice(0, MAX_VALUE * 4));
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text;
}
