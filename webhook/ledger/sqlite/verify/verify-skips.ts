import { messageOf } from '../../../../shared/errors.ts';
import { sameJson } from '../../../../shared/json.ts';
import { encodeTouched } from '../../../../shared/touched.ts';
import type { Findings } from '../../proof/report.ts';
import { decodeBody, decodeDetail } from '../../content/payload.ts';
import type { Skip } from '../../port/port.ts';
import type { Sqlite } from '../database/open.ts';
import { SkipMaker } from '../write/skip-maker.ts';
import { decodeSkips } from '../read/skips.ts';

interface Row {
  seq: number;
  parent: number;
  detail: Buffer;
  body: Buffer;
  skips: Buffer;
}

/** Makes what stands beside the whole bodies again from the changes, as far back as no fold has cut into it. */
export function verifySkips(db: Sqlite, horizon: number, findings: Findings): void {
  const maker = new SkipMaker(db);
  const rows = db.prepare<unknown[], Row>(
    `SELECT c.seq, c.parent, c.detail, k.body, k.skips FROM checkpoints k JOIN changes c ON c.seq = k.seq
      WHERE c.parent IS NOT NULL ORDER BY c.seq`,
  );
  // One at a time: together they are most of the ledger.
  for (const { seq, parent, detail, body, skips } of rows.iterate()) {
    try {
      const kept = (all: readonly Skip[]): Skip[] => all.filter(({ to }) => to > horizon);
      const stored = kept(decodeSkips(skips).skips);
      const made = kept(maker.of(parent, decodeDetail(detail).patch, decodeBody(body)).skips);
      if (stored.length > 0 && !sameJson(asJson(stored), asJson(made))) {
        findings.add('objects', `change ${seq}`, 'what it says that changes before it touched is not what they did');
      }
    } catch (error) {
      findings.add('objects', `change ${seq}`, `what changes before it touched cannot be read: ${messageOf(error)}`);
    }
  }
}

function asJson(skips: readonly Skip[]): ReturnType<typeof encodeTouched> {
  return skips.map(({ to, touched }) => [to, encodeTouched(touched)]);
}
