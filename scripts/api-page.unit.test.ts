import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ROUTES } from '../shared/api.ts';
import { QUESTION_NAMES, QUESTIONS, type QuestionName } from '../shared/questions/table.ts';

const PAGE = fileURLToPath(new URL('../docs/api.md', import.meta.url));

/** Its first part is written by hand, up to here. */
const GENERATED =
  '<!-- From here on made from shared/questions/ by UPDATE_GOLDEN=1 npx mocha scripts/api-page.unit.test.ts -->\n';

function sectionOf(name: QuestionName): string {
  const { about, codec } = QUESTIONS[name];
  const rows = codec.names.map(
    ({ name: parameter, form, about: text, repeated }) =>
      `| \`${parameter}\` | ${form}${repeated === true ? ', repeated' : ''} | ${text} |\n`,
  );
  const table = rows.length === 0 ? 'No parameters.\n' : `| parameter | form | |\n|---|---|---|\n${rows.join('')}`;
  return `\n## ${name}\n\n\`GET ${ROUTES[name]}\`: ${about}.\n\n${table}`;
}

describe('docs/api.md', () => {
  it('has the questions and parameters of the table', () => {
    const [written = ''] = readFileSync(PAGE, 'utf8').split(GENERATED);
    const page = `${written}${GENERATED}${QUESTION_NAMES.map(sectionOf).join('')}`;
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(PAGE, page);
    assert.equal(readFileSync(PAGE, 'utf8'), page);
  });
});
