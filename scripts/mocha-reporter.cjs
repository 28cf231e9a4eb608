// CommonJS: mocha loads a reporter with require() and takes what that returns for the class.
const { writeFileSync } = require('node:fs');
const { Runner, reporters } = require('mocha');

const { EVENT_RUN_BEGIN, EVENT_RUN_END, EVENT_TEST_FAIL, EVENT_TEST_PASS, EVENT_TEST_PENDING } = Runner.constants;

/**
 * Mocha's own spec reporter. Where KUBEBLAME_TEST_COUNTS names a file, it also keeps mocha's counts there, as
 * `passed failed skipped running|finished`: after each result and not only at the end, so that a run that crashes leaves
 * what it had, and a test that ends the process with status 0 does not pass for a whole run.
 */
class CountingSpec extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const file = process.env.KUBEBLAME_TEST_COUNTS;
    if (!file) return;
    // Mocha's collector of `stats` listens to the runner before any reporter does: the numbers include this event.
    const write = (progress) => {
      const { passes, failures, pending } = this.stats;
      writeFileSync(file, `${passes} ${failures} ${pending} ${progress}\n`);
    };
    for (const event of [EVENT_RUN_BEGIN, EVENT_TEST_PASS, EVENT_TEST_FAIL, EVENT_TEST_PENDING]) {
      runner.on(event, () => write('running'));
    }
    runner.on(EVENT_RUN_END, () => write('finished'));
  }
}

module.exports = CountingSpec;
