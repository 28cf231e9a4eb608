import type { ManualPage, ObjectRef } from '../../../shared/types.ts';
import { ask } from '../state/server.ts';
import { range, shown } from '../state/store.ts';
import { dayAndClock, idOf, plural, titleOf } from '../words.ts';
import { Who } from '../panel/acts.tsx';
import { Asked } from '../panel/asked.tsx';
import { List, Pick, When } from './parts.tsx';

/** The time that the reports are of: what the timeline shows. */
function period(): { since: number; until: number } {
  const { from, to } = range.value;
  return { since: shown.value.range === null ? 0 : Math.round(from), until: Math.ceil(to) };
}

/** What people did by hand to what delivery tools manage. */
export function ManualView() {
  const asked = period();
  return (
    <div class="page-view">
      <h2>By hand</h2>
      <p class="note">
        Changes by people of what Argo CD, Flux or Helm manages, not made through them, and what became of them.
      </p>
      <Asked of={JSON.stringify(asked)} question={() => ask<ManualPage>('/api/v1/manual', asked)}>
        {({ changes, totals }) => (
          <>
            <p class="totals">
              {plural(totals.changes, 'change')}: {totals.byHand} by hand, {totals.unmanaged} by people of what no tool
              manages, {totals.byTools} by tools, {totals.byRobots + totals.byAutoscalers} by robots
            </p>
            {changes.length === 0 ? (
              <p class="note">Nobody did anything by hand.</p>
            ) : (
              <List titles={['When', 'Who', 'Object', 'What', 'What became of it', 'Managed by']} wide>
                {changes.map(({ seq, at, actor, object, managedBy, switched, fields, effect }) => (
                  <tr key={seq}>
                    <td>
                      <When at={at} seq={seq} />
                    </td>
                    <td>
                      <Who who={actor.username} />
                    </td>
                    <td>
                      <Pick id={idOf(object)}>{titleOf(object)}</Pick>
                    </td>
                    <td>
                      {switched ?? (effect === 'deleted' ? 'deleted' : fields.map(({ path }) => path).join(', '))}
                    </td>
                    <td>
                      {[...new Set(fields.map(({ fate }) => fate))].map((fate) => (
                        <b key={fate} class={`fate ${fate.replaceAll(' ', '-')}`}>
                          {fate}
                        </b>
                      ))}
                    </td>
                    <td class="dim">{managedBy === null ? '' : `${managedBy.tool} ${managedBy.application}`}</td>
                  </tr>
                ))}
              </List>
            )}
          </>
        )}
      </Asked>
    </div>
  );
}

interface DeniedPage {
  more: boolean;
  rows: { seq: number; at: number; who: string; object: ObjectRef; operation: string; reason: string }[];
}

/** What the API server refused. */
export function DeniedView() {
  const asked = period();
  return (
    <div class="page-view">
      <h2>Denied</h2>
      <p class="note">Requests that the API server refused. Only its audit log tells of them (docs/audit-logs.md).</p>
      <Asked of={JSON.stringify(asked)} question={() => ask<DeniedPage>('/page/denied', asked)}>
        {({ rows, more }) =>
          rows.length === 0 ? (
            <p class="note">No refused request is recorded.</p>
          ) : (
            <>
              <List titles={['When', 'Who', 'Request', 'Object', 'Why']} wide>
                {rows.map(({ seq, at, who, object, operation, reason }) => (
                  <tr key={seq}>
                    <td>{dayAndClock(at)}</td>
                    <td>
                      <Who who={who} />
                    </td>
                    <td>{operation.toLowerCase()}</td>
                    <td>{titleOf(object)}</td>
                    <td>{reason}</td>
                  </tr>
                ))}
              </List>
              {more && <p class="note">There are more.</p>}
            </>
          )
        }
      </Asked>
    </div>
  );
}
