import type { ObjectRef } from '../../../shared/types.ts';
import type { DiffPage, UndoPage } from '../../page/wire.ts';
import { ask } from '../state/server.ts';
import { loaded, objectsBySeq } from '../state/store.ts';
import { dayAndClock, idOf, shortWho, titleOf } from '../words.ts';
import { Who } from './acts.tsx';
import { Asked } from './asked.tsx';
import { DiffView } from './diff.tsx';
import { CopyButton } from './object.tsx';
import { Pick } from '../views/parts.tsx';

interface ChangePage {
  seq: number;
  at: number;
  object: ObjectRef;
  effect: string;
  outcome: string;
  operation: string;
  manager: string;
  who: string;
  words: string[];
  causes: { seq: number; who: string; object: ObjectRef; why: string; certain: boolean }[];
  diff: DiffPage;
}

/** One change: who, what, why, what followed, and what takes it back. */
export function ChangePanel({ seq }: { seq: number }) {
  const key = String(seq);
  return (
    <div class="body">
      <Asked key={key} of={key} question={() => ask<ChangePage>('/page/change', { seq })}>
        {(change) => (
          <>
            <p class="facts">
              <Who who={change.who} /> · {dayAndClock(change.at)}
              <br />
              {change.operation.toLowerCase()} <Pick id={idOf(change.object)}>{titleOf(change.object)}</Pick>
              {change.outcome === 'committed' ? '' : ` · ${change.outcome}`}
            </p>
            <ul class="words">
              {change.words.slice(0, 12).map((line, index) => (
                <li key={index}>{line}</li>
              ))}
            </ul>
            {change.causes.length > 0 && (
              <section class="edges">
                <h3>Because of</h3>
                <ul>
                  {change.causes.map((cause) => (
                    <li key={cause.seq}>
                      <Pick id={`change:${cause.seq}`}>change {cause.seq}</Pick> {shortWho(cause.who)} ·{' '}
                      {titleOf(cause.object)}
                      <span class="field">
                        {cause.why}
                        {cause.certain ? '' : ' (other explanations remain)'}
                      </span>
                    </li>
                  ))}
                </ul>
              </section>
            )}
            <Followed seq={seq} />
            <h3>What changed</h3>
            <DiffView page={change.diff} />
            <Undo seq={seq} />
          </>
        )}
      </Asked>
    </div>
  );
}

/** The other changes of the same act, and what controllers did in consequence. */
function Followed({ seq }: { seq: number }) {
  const act = loaded.value?.acts.find(({ changes, followed }) => changes.includes(seq) || followed.includes(seq));
  if (act === undefined) return null;
  const rows = objectsBySeq.value;
  const others = [...act.changes, ...act.followed]
    .filter((each) => each !== seq)
    .flatMap((each) => rows.get(each) ?? []);
  if (others.length === 0) return null;
  return (
    <details class="followed">
      <summary>
        {others.length} more {others.length === 1 ? 'change' : 'changes'} of this act, or that followed
      </summary>
      <ul>
        {others.slice(0, 100).map((row) => (
          <li key={row.seq}>
            <Pick id={`change:${row.seq}`}>{titleOf(row.object)}</Pick> <span class="dim">{shortWho(row.who)}</span>{' '}
            {row.text}
          </li>
        ))}
      </ul>
    </details>
  );
}

function Undo({ seq }: { seq: number }) {
  return (
    <details class="undo">
      <summary>What takes it back</summary>
      <Asked of={String(seq)} question={() => ask<UndoPage>('/page/undo', { seq })}>
        {({ text, notes, command }) => (
          <>
            {command !== '' && (
              <p class="command">
                <code>{command}</code>
                <CopyButton text={command} label="Copy command" />
              </p>
            )}
            {text !== '' && <pre>{text}</pre>}
            <p class="note">{notes}</p>
          </>
        )}
      </Asked>
    </details>
  );
}
