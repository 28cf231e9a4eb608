import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { isObject, parseJson, stringifyJson } from '../../../../shared/json.ts';
import { metadataOf } from '../../../../shared/normalise.ts';
import { Redactor } from '../../../../shared/redact.ts';
import type { Json, JsonObject } from '../../../../shared/types.ts';
import { Receiver } from '../../../record/gate/endpoint/reception.ts';
import { Predicates } from '../../../record/rules/predicates.ts';
import { Recorder } from '../../../record/capture/recorder/recorder.ts';
import { readRulesFile } from '../../../programs/config/rules-file.ts';
import { importRecording } from '../../../record/sources/recordings/import.ts';
import { openSqliteStore } from '../../../ledger/sqlite/store/open-store.ts';
import { useFolder } from '../../folder.ts';
import { TEST_KEY } from '../../ledgers/recorder.ts';

/*
 * No value of any Secret of the recordings and of the cases, in any of the usual encodings, is in a ledger, a spool or an error: what is
 * answered and printed comes from the ledger. The values are found by an oracle of its own.
 */
const FIXTURES = fileURLToPath(new URL('../../../../shared/fixtures/', import.meta.url));
const RECORDINGS = ['shop', 'landscape/west', 'landscape/east'];
const CASES = readdirSync(join(FIXTURES, 'cases'))
  .map((name) => `cases/${name}`)
  .filter((name) => existsSync(join(FIXTURES, name, 'reviews.ndjson')));
/** Its lines are not in order, or not for us: another test's. */
const NOT_IMPORTED = ['cases/19-import-files', 'cases/06c-delete-oldobject-null'];

function linesOf(...path: string[]): string[] {
  const name = join(FIXTURES, ...path);
  const bytes = existsSync(name)
    ? readFileSync(name)
    : existsSync(`${name}.gz`)
      ? gunzipSync(readFileSync(`${name}.gz`))
      : '';
  return bytes
    .toString()
    .split('\n')
    .filter((line) => line !== '');
}

/** Every Secret in a document. */
function* secretsIn(value: Json): Generator<JsonObject> {
  if (typeof value !== 'object' || value === null) return;
  if (isObject(value) && value.kind === 'Secret' && isObject(value.metadata ?? null)) yield value;
  for (const child of Object.values(value)) yield* secretsIn(child);
}

/** The values of a Secret, those of its copies in annotations included, decoded. */
function* valuesOf(secret: JsonObject): Generator<string> {
  for (const value of isObject(secret.data) ? Object.values(secret.data) : []) {
    if (typeof value === 'string') yield Buffer.from(value, 'base64').toString('latin1');
  }
  for (const value of isObject(secret.stringData) ? Object.values(secret.stringData) : []) {
    if (typeof value === 'string') yield Buffer.from(value).toString('latin1');
  }
  const { annotations } = metadataOf(secret);
  for (const text of isObject(annotations) ? Object.values(annotations) : []) {
    let copy: unknown;
    try {
      copy = JSON.parse(text as string);
    } catch {
      continue;
    }
    if (isObject(copy)) yield* valuesOf({ ...copy, metadata: {} });
  }
}

/** What a value may be written as. Shorter ones than this are in many texts by chance. */
function* formsOf(value: string): Generator<string> {
  if (value.length < 6) return;
  const bytes = Buffer.from(value, 'latin1');
  const base64 = bytes.toString('base64');
  yield value;
  yield JSON.stringify(bytes.toString()).slice(1, -1);
  yield base64.replace(/=+$/, '');
  yield Buffer.from(base64).toString('base64').replace(/=+$/, '');
  yield bytes.toString('hex');
}

for (const source of [...RECORDINGS, ...CASES]) {
  describe(`the Secrets of ${source}`, () => {
    const file = useFolder();
    const concerns = (line: string): boolean => CASES.includes(source) || line.includes('"Secret"');
    const reviews = linesOf(source, 'reviews.ndjson').filter(concerns);
    const events = linesOf(source, 'watch.ndjson').filter(concerns);

    const rules = join(FIXTURES, source, 'rules.yaml');
    const redactor = (): Redactor => new Redactor(TEST_KEY, existsSync(rules) ? readRulesFile(rules).redact : []);

    const forms = new Set<string>();
    before(() => {
      const names = new Set<Json | undefined>();
      for (const line of [...reviews, ...events]) {
        let document: Json;
        try {
          document = parseJson(line);
        } catch {
          continue;
        }
        for (const secret of secretsIn(document)) {
          const { name, namespace } = metadataOf(secret);
          names.add(name).add(namespace);
          for (const value of valuesOf(secret)) {
            // Everybody may read the names.
            if (!names.has(value)) for (const form of formsOf(value)) forms.add(form);
          }
        }
      }
      if (RECORDINGS.includes(source) || source.includes('04')) assert.ok(forms.size >= 8, String(forms.size));
    });

    function assertClean(what: string, text: string): void {
      const found = [...forms].filter((form) => text.includes(form));
      assert.deepEqual(found, [], what);
    }

    it('leave no value in the spool', () => {
      const spooled: string[] = [];
      const receiver = new Receiver(new Predicates([]), redactor(), {
        add: ({ body }) => Promise.resolve(void spooled.push(body.toString('latin1'))),
      });
      for (const line of reviews) {
        try {
          const { review } = parseJson(line) as { review: Json };
          receiver.receive(Buffer.from(stringifyJson(review)), 0);
        } catch {
          // No review: nothing is written.
        }
      }
      for (const text of spooled) assertClean('the spool', text);
    });

    if (NOT_IMPORTED.includes(source)) return;

    it('leave no value in the ledger, in a body that is rebuilt from it, or in an error', async () => {
      writeFileSync(file('reviews.ndjson'), `${reviews.join('\n')}\n`);
      writeFileSync(file('watch.ndjson'), `${events.join('\n')}\n`);
      const store = openSqliteStore(file('ledger.db'), 'test', 0);
      const predicates = new Predicates([]);
      const recorder = await Recorder.open({ store, redactor: redactor(), predicates });
      const bad: string[] = [];
      await importRecording(
        { reviews: file('reviews.ndjson'), ...(events.length === 0 ? {} : { watch: file('watch.ndjson') }) },
        { recorder, store, predicates, bad: (error) => bad.push(error.message) },
      );
      await recorder.close();
      assertClean('errors', bad.join('\n'));
      let withTags = 0;
      for (const change of await store.changes({}, 100_000)) {
        const body = change.effect === 'none' ? null : await store.body(change.seq);
        const text = stringifyJson({ detail: change.detail() as unknown as Json, body });
        if (text.includes('"redacted:')) withTags++;
        assertClean(`change ${change.seq}`, text);
      }
      await store.close();
      if (forms.size > 0) assert.ok(withTags > 0, 'there was something to redact');
      for (const name of readdirSync(file('.'))) {
        if (name.startsWith('ledger') && statSync(file(name)).isFile()) {
          assertClean(name, readFileSync(file(name)).toString('latin1'));
        }
      }
    });
  });
}
