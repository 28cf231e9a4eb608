import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { configMap, reviewDocument } from '../shared/testing/reviews.ts';
import { splitNotes } from '../webhook/ledger/proof/checkpoint.ts';
import { useFolder } from '../webhook/testing/folder.ts';
import { TestServer } from '../webhook/testing/server/server.ts';
import { ask, type Answer } from './testing/ask.ts';

describe('kubectl blame verify', () => {
  const file = useFolder({ verify: false });
  const db = (): string => file('ledger.db');

  /** Runs the server for some reviews, as often as it is started. */
  async function record(...names: string[]): Promise<TestServer> {
    const server = await TestServer.start(file);
    for (const name of names) {
      await server.admission.admit(reviewDocument({ name, object: configMap({ name }, { name, uid: name }) }));
      // A commit for each.
      await server.settled();
    }
    await server.stop();
    return server;
  }

  const key = (): string => readFileSync(`${db()}.signing-key.pub`, 'utf8').trim();
  const notes = (): string[] => splitNotes(readFileSync(`${db()}.checkpoints`, 'utf8'));
  /** The table, in words. */
  const rows = ({ out }: Answer): string[] => out.split('\n').map((line) => line.replace(/ {2,}/g, ' | ').trim());

  it('proves the ledger that a server leaves, against the checkpoints that it signed', async () => {
    const server = await record('a', 'b', 'c');
    const answer = await ask(['verify', '--db', db()]);
    assert.equal(answer.code, 0, answer.out + answer.err);
    assert.deepEqual(rows(answer), [
      'PART | RESULT | LOOKED AT',
      'file | ok | pages, indexes, constraints, schema, triggers',
      'chain | ok | 5 commits: 3 changes, 0 outcomes, 2 coverage events',
      'references | ok | what each row refers to, and that each is referred to',
      'outcomes | ok | 0 outcomes',
      'objects | ok | 3 objects rebuilt at the last change, 0 other states',
      'events | ok | 0 Events rebuilt; they are no part of the chain',
      'checkpoints | ok | 2 signed checkpoints, the last of the first 5 commits',
      '',
    ]);
    assert.ok(answer.err.includes(`# signed by ${key()}\n`));
    assert.match(answer.err, /# the key lies beside the ledger/);
    assert.equal(statSync(`${db()}.signing-key`).mode & 0o777, 0o600);
    // The log has the same, for a copy elsewhere; and the private key nowhere.
    assert.deepEqual(
      server.log.flatMap(({ checkpoint }) => checkpoint ?? []),
      notes(),
    );
    const secret = readFileSync(`${db()}.signing-key`, 'utf8').trim();
    assert.ok(!JSON.stringify(server.log).includes(secret.slice(-20)));
  });

  it('proves it with a copy of the checkpoints and the key, once the ledger is elsewhere', async () => {
    await record('a', 'b');
    copyFileSync(db(), file('moved.db'));
    copyFileSync(`${db()}.checkpoints`, file('copy'));
    const answer = await ask(['verify', file('moved.db'), '--checkpoints', file('copy'), '--key', key()]);
    assert.equal(answer.code, 0, answer.err);
    assert.match(answer.out, /checkpoints +ok +2 signed checkpoints/);
    assert.doesNotMatch(answer.err, /beside/);
    const without = await ask(['verify', file('moved.db')]);
    assert.match(without.out, /checkpoints +not checked/);
    assert.match(without.err, /a history that was written anew, or cut off at its end, passes as well/);
    assert.equal(without.code, 0);
  });

  it('tells what is wrong where, with exit code 1', async () => {
    await record('a', 'b', 'c');
    const ledger = new Database(db());
    ledger.exec("DROP TRIGGER texts_keep_values; UPDATE texts SET value = 'other' WHERE value = 'shop'");
    ledger.close();
    const answer = await ask(['verify', db()]);
    assert.equal(answer.code, 1);
    assert.match(answer.out, /^chain +WRONG/m);
    assert.match(answer.out, /^chain: commit 2 \(change 1\): its hash is not that of its rows/m);
    assert.match(answer.out, /^file: the schema: the trigger texts_keep_values is not there$/m);
    assert.match(answer.err, /^error: .*ledger\.db: 4 things are wrong\nhint: /m);
    const json = JSON.parse((await ask(['verify', db(), '-o', 'json'])).out) as { findings: { where: string }[] };
    assert.ok(json.findings.some(({ where }) => where === 'commit 3 (change 2)'));
  });

  it('goes on with the same key at the next start; a checkpoint that was cut off by a crash is passed over', async () => {
    await record('a');
    const [first] = notes();
    appendFileSync(`${db()}.checkpoints`, `${first?.slice(0, 60)}`);
    await record('b');
    assert.equal(notes().length, 4);
    const answer = await ask(['verify', db()]);
    assert.match(answer.out, /checkpoints +ok +4 signed checkpoints, the last of the first 7 commits/);
    assert.equal(answer.code, 0);
  });

  it('refuses to start without the key that it has signed with', async () => {
    await record('a');
    writeFileSync(`${db()}.signing-key`, 'PRIVATE+KEY+x+00000000+AAAA\n');
    await assert.rejects(TestServer.start(file), { code: 'config-invalid' });
    await assert.rejects(TestServer.start(file, { signingKeyFile: file('none') }), { code: 'key-missing' });
  });

  it('verifies an archive alone, also while the server runs', async () => {
    const server = await TestServer.start(file);
    await server.admission.admit(
      reviewDocument({ name: 'a', object: configMap({ text: 'line\u2028' }, { uid: 'a' }) }),
    );
    await server.settled();
    const archive = file('archive.gz');
    const made = await ask(['export', archive, '--db', db()]);
    assert.equal(made.code, 0, made.err);
    await server.stop();
    assert.equal((await ask(['export', archive, '--db', db()])).code, 1, 'an archive was written over');
    const sound = await ask(['verify', archive, '--key', key()]);
    assert.equal(sound.code, 0, sound.out + sound.err);
    assert.match(sound.out, /chain +ok +2 commits: 1 change/);
    assert.match(sound.out, /checkpoints +ok/);

    const lines = gunzipSync(readFileSync(archive)).toString().split('\n');
    const changed = async (edit: (line: string) => string): Promise<Answer> => {
      writeFileSync(file('edited.gz'), gzipSync(lines.map(edit).join('\n')));
      return ask(['verify', file('edited.gz'), '--key', key()]);
    };
    const edited = await changed((line) => line.replaceAll('alice@example.com', 'bob'));
    assert.match(edited.out, /chain: commit 2 \(change 1\)/);
    assert.equal(edited.code, 1);
    const cut = await changed((line) => (line.startsWith('["coverage"') ? '' : line));
    assert.match(cut.err, /has 13 rows, and it says that it has 14/);
    const foreign = await changed((line) => line.replace('["texts"', '["notes"'));
    assert.match(foreign.err, /edited\.gz, line 3: there is no table notes/);
    writeFileSync(file('half.gz'), readFileSync(archive).subarray(0, 300));
    assert.match((await ask(['verify', file('half.gz')])).err, /damaged or cut off/);
    writeFileSync(file('other.gz'), gzipSync('{}'));
    assert.match((await ask(['verify', file('other.gz')])).err, /this is not a Kubeblame archive/);
  });

  it('refuses what it cannot verify, with a hint', async () => {
    assert.match((await ask(['verify'])).err, /^error: no file to verify was given\nhint: /);
    assert.match((await ask(['export', file('x')])).err, /^error: no ledger file to export was given\nhint: /);
    assert.equal((await ask(['verify', file('none.db')])).code, 1);
    await record('a');
    assert.match((await ask(['verify', db(), '--key', 'x+1+y'])).err, /^error: this is not a verification key/);
    assert.ok(!existsSync(file('x')));
  });
});
