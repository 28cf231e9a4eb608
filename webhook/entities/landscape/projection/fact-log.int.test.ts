import assert from 'node:assert/strict';
import fc from 'fast-check';
import { openDatabase } from '../../../ledger/sqlite/database/native.ts';
import { Statements } from '../../../ledger/sqlite/database/statements.ts';
import { FactLog, LOG_TABLES, type Turn } from './fact-log.ts';

const seq = fc.integer({ min: 1, max: 60 });
const turn = fc.record({ seq, set: fc.option(fc.integer({ min: 1, max: 5 })), confirmed: fc.boolean() });
const act = fc.oneof(
  { weight: 5, arbitrary: fc.record({ object: fc.integer({ min: 1, max: 4 }), from: seq, turns: fc.array(turn, { maxLength: 4 }) }) }, // prettier-ignore
  { weight: 2, arbitrary: fc.constant('flush' as const) },
  { weight: 1, arbitrary: fc.constant('reload' as const) },
);

describe('the log of facts', () => {
  it('has at each moment what was said last of it, however it is cut into segments', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
        const db = openDatabase(':memory:');
        db.exec(LOG_TABLES);
        const log = new FactLog(new Statements(db), 3);
        const oracle = new Map<number, Turn[]>();
        let newest = 0;
        for (const each of acts) {
          if (each === 'flush') log.flush(newest);
          else if (each === 'reload') {
            log.flush(newest);
            log.reload();
          } else {
            const { object, from } = each;
            const turns = [...new Map(each.turns.map((one) => [one.seq, { ...one, confirmed: one.set !== null && one.confirmed }])).values()]
              .filter((one) => one.seq >= from)
              .sort((a, b) => a.seq - b.seq); // prettier-ignore
            log.replace(object, from, turns);
            oracle.set(object, [...(oracle.get(object) ?? []).filter((one) => one.seq < from), ...turns]);
            newest = Math.max(newest, from, ...turns.map((one) => one.seq));
          }
        }
        for (let at = 0; at <= 61; at++) {
          const expected = [...oracle].flatMap(([object, turns]) => {
            const last = turns.filter((one) => one.seq <= at).at(-1);
            return last?.set == null ? [] : [{ object, set: last.set, confirmed: last.confirmed }];
          });
          assert.deepEqual(log.at(at).sort((a, b) => a.object - b.object), expected.sort((a, b) => a.object - b.object), `at ${at}`); // prettier-ignore
          for (const [object, turns] of oracle) {
            const { set, confirmed } = turns.filter((one) => one.seq < at).at(-1) ?? { set: null, confirmed: false };
            assert.deepEqual(log.before(object, at), { seq: at - 1, set, confirmed });
          }
        }
        db.close();
      }),
      { numRuns: 300 },
    );
  });
});
