import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { BUILT_IN_TYPES } from '../../shared/built-in-types.ts';
import { canonicalJson, isObject, parseJson } from '../../shared/json.ts';
import { normalise, refOf } from '../../shared/normalise.ts';
import { Redactor } from '../../shared/redact.ts';
import type { Json, JsonObject, LedgerReader } from '../../shared/types.ts';
import { importAudit, type AuditCounts } from '../record/sources/audit/import-audit.ts';
import { intoLedger } from './ledgers/import.ts';
import { TEST_KEY } from './ledgers/recorder.ts';
import { departures, keyOf, statesAt } from './ledgers/states.ts';

/** Imports audit logs into a ledger file as the command does, in this process; with what could not be used. */
export async function importAuditInto(
  path: string,
  files: readonly string[],
): Promise<AuditCounts & { told: string[] }> {
  const told: string[] = [];
  const bad = (error: Error): void => void told.push(error.message);
  const counts = await intoLedger(path, 'test', ({ recorder }) => importAudit(files, { recorder, bad }));
  return { ...counts, told };
}

/** Where the states that a ledger knows depart from what a cluster's API server showed at its marks: at each, by their keys. */
export async function departuresAtMarks(
  reader: LedgerReader,
  folder: string,
  marks: readonly { mark: string; at: number }[],
): Promise<Record<string, string[]>> {
  const redactor = new Redactor(TEST_KEY);
  const plurals = new Map(BUILT_IN_TYPES.map(({ group, kind, resource }) => [`${kind}.${group}`, resource]));
  const found: Record<string, string[]> = {};
  for (const { mark, at } of marks) {
    const objects = gunzipSync(readFileSync(`${folder}truth/${mark}.ndjson.gz`)).toString().trimEnd().split('\n').map((line) => parseJson(line) as JsonObject); // prettier-ignore
    for (const { kind, spec } of objects) {
      if (kind !== 'CustomResourceDefinition' || !isObject(spec) || !isObject(spec.names)) continue;
      plurals.set(`${textOf(spec.names.kind)}.${textOf(spec.group)}`, textOf(spec.names.plural));
    }
    const truth = new Map<string, string>();
    for (const object of objects) {
      const [kind, apiVersion] = [textOf(object.kind), textOf(object.apiVersion)];
      const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
      const ref = refOf(object, { group, kind, resource: plurals.get(`${kind}.${group}`) ?? '' });
      truth.set(keyOf(ref), canonicalJson(redactor.redact(normalise(object).body, ref)));
    }
    const departed = Object.entries(departures(truth, await statesAt(reader, at)));
    found[mark] = departed.flatMap(([how, keys]) => keys.map((key) => `${how}: ${key}`));
  }
  return found;
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
