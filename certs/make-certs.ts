import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { KubeblameError, messageOf } from '../shared/errors.ts';
import { makeLocalCertificates } from './local-certificates.ts';

const HELP = `Usage: npx tsx certs/make-certs.ts [--force] [--out DIR]

Makes a CA (ca.crt, ca.key) and a serving certificate (tls.crt, tls.key) for local use.
Keeps those that are there, unless they are expired.

  --force    replace all of them
  --out DIR  where to put them (default: certs/local)
`;

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { force: { type: 'boolean' }, out: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const directory = resolve(values.out ?? join(import.meta.dirname, 'local'));
  const result = await makeLocalCertificates({ directory, now: new Date(), force: values.force ?? false });
  const until = result.servingExpiresAt.toISOString().slice(0, 10);
  console.log(
    `${relative('.', directory) || '.'}: CA ${result.authority}, serving certificate ${result.serving}, valid until ${until}`,
  );
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`make-certs: ${messageOf(error)}`);
  if (error instanceof KubeblameError && error.hint !== undefined) console.error(error.hint);
  process.exitCode = 1;
}
