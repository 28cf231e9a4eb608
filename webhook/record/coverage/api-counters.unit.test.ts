import assert from 'node:assert/strict';
import pino from 'pino';
import { ApiStatusError } from '../../platform/kubernetes/api-client.ts';
import { ApiCounters } from './api-counters.ts';

const HEAD = '# HELP apiserver_admission_webhook_fail_open_count [ALPHA] Admission webhook fail open count';

function metrics(started: number, failOpen: number, errors: number): string[] {
  return [
    HEAD,
    `apiserver_admission_webhook_fail_open_count{name="other.example.com",type="validating"} 99`,
    `apiserver_admission_webhook_fail_open_count{name="record.kubeblame.io",type="validating"} ${failOpen}`,
    ...(errors === 0 ? [] : ['CREATE', 'UPDATE'].map((operation) => `apiserver_admission_match_condition_evaluation_errors_total{kind="webhook",name="record.kubeblame.io",operation="${operation}",type="validate"} ${errors}`)), // prettier-ignore
    `process_start_time_seconds ${started}`,
  ];
}

describe('what the API server counts', () => {
  let answers: (string[] | Error)[];
  let now: number;
  let missed: string[];
  let lines: { level: number; msg: string }[];
  let counters: ApiCounters;
  let webhooks: string[];
  beforeEach(() => {
    webhooks = ['record.kubeblame.io'];
    [answers, now, missed, lines] = [[], 0, [], []];
    counters = new ApiCounters({
      client: {
        async *lines(path) {
          assert.equal(path, 'metrics');
          const answer = answers.shift() ?? [];
          if (answer instanceof Error) throw answer;
          yield* answer;
        },
      },
      webhooks: () => webhooks,
      missed: ({ reason, count, what }, from, to) => void missed.push(`${from}-${to} ${count} ${reason}: ${what}`),
      log: pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[0]) }),
      now: () => (now += 10),
    });
  });
  const look = async (...given: (string[] | Error)[]): Promise<string[]> => {
    answers = given;
    while (answers.length > 0) await counters.look();
    return missed;
  };

  it('is a gap from one look to the next where it has grown; what was counted before is none', async () => {
    assert.deepEqual(await look(metrics(5, 22, 0), metrics(5, 22, 0), metrics(5, 23, 0), metrics(5, 30, 2)), [
      '20-30 1 no-answer: the API server got no answer for one request and let it go on',
      '30-40 7 no-answer: the API server got no answer for 7 requests and let them go on',
      '30-40 4 match-conditions: the API server could not evaluate the match conditions for 4 requests and sent no review',
    ]);
  });

  it('is that of the webhooks which are ours, also where that is known only later', async () => {
    webhooks = [];
    await look(metrics(5, 22, 0), metrics(5, 23, 0));
    webhooks = ['record.kubeblame.io'];
    assert.deepEqual(await look(metrics(5, 23, 0)), []);
    webhooks = ['elsewhere.example.com', 'record.kubeblame.io'];
    assert.deepEqual(await look(metrics(5, 25, 0)), [
      '30-40 2 no-answer: the API server got no answer for 2 requests and let them go on',
    ]);
  });

  it('is counted by each process of an API server for itself', async () => {
    assert.deepEqual(await look(metrics(5, 22, 0), metrics(6, 40, 0), metrics(5, 22, 0), metrics(7, 3, 0)), []);
    assert.deepEqual(await look(metrics(6, 41, 0)), [
      '20-50 1 no-answer: the API server got no answer for one request and let it go on',
    ]);
  });

  it('is looked at once more at the stop: the next process begins with what is counted then', async () => {
    answers = [metrics(5, 1, 0), metrics(5, 3, 0)];
    counters.start();
    await counters.close();
    assert.deepEqual(missed, ['10-20 2 no-answer: the API server got no answer for 2 requests and let them go on']);
  });

  it('is not asked for again at the stop where it was not told before', async () => {
    answers = [new ApiStatusError(403, 'GET /metrics: 403 forbidden'), metrics(5, 3, 0)];
    counters.start();
    await counters.close();
    assert.equal(answers.length, 1);
  });

  it('is not compared where the metrics may not be read, which is said once', async () => {
    const denied = new ApiStatusError(403, 'GET /metrics: 403 forbidden');
    await look(denied, denied, metrics(5, 1, 0));
    assert.deepEqual(
      lines.map(({ level, msg }) => [level, msg]),
      [
        [30, 'not compared with what the API server counts: no right to read its metrics'],
        [30, 'compared with what the API server counts'],
      ],
    );
    assert.deepEqual(missed, []);
  });
});
