import assert from 'node:assert/strict';
import { terminalIo, type Io } from './io.ts';

/** As much of a process as terminalIo asks. */
function io(env: Record<string, string>, isTTY: boolean, colour = true, columns = 100): Io {
  const stream = { isTTY, columns, on: () => stream, write: () => true };
  return terminalIo({ stdin: stream, stdout: stream, stderr: stream, env } as unknown as NodeJS.Process, {
    ...{ colour, pager: true, headers: true },
  });
}

describe('terminalIo', () => {
  it('colours a terminal, and a pipe only where that is forced', () => {
    assert.equal(io({}, true).style.chalk.level, 1);
    assert.equal(io({}, false).style.chalk.level, 0);
    assert.equal(io({ FORCE_COLOR: '1' }, false).style.chalk.level, 1);
    assert.equal(io({ FORCE_COLOR: '0' }, false).style.chalk.level, 0);
    assert.equal(io({ NO_COLOR: '1' }, true).style.chalk.level, 0);
    assert.equal(io({ NO_COLOR: '' }, true).style.chalk.level, 1);
    assert.equal(io({ TERM: 'dumb' }, true).style.chalk.level, 0);
    assert.equal(io({}, true, false).style.chalk.level, 0);
  });

  it('has the width of the terminal; a pipe has none', () => {
    assert.equal(io({}, true).style.columns, 100);
    assert.equal(io({}, true, true, 0).style.columns, 80);
    assert.equal(io({}, false).style.columns, null);
  });

  it('writes plain characters where the terminal has no others', () => {
    assert.equal(io({ LANG: 'C' }, true).style.arrow, '->');
    assert.equal(io({ LANG: 'de_DE.UTF-8' }, true).style.arrow, '→');
    assert.equal(io({ LC_ALL: 'POSIX', LANG: 'en_US.UTF-8' }, true).style.ellipsis, '...');
    assert.equal(io({}, true).style.arrow, '→');
  });

  it('says which file is not there, and what to do', async () => {
    await assert.rejects(io({}, true).read('/nonexistent/a.yaml'), {
      code: 'input-invalid',
      message: 'there is no file /nonexistent/a.yaml',
      hint: 'name a readable file or folder, or - for stdin',
    });
  });
});
