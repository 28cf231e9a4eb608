import { signal } from '@preact/signals';
import type { DiffPage, PageLine } from '../../page/wire.ts';
import { ask } from '../state/server.ts';
import { worker } from '../state/load.ts';
import { loaded, moment, select, show, shown } from '../state/store.ts';
import type { ObjectTab } from '../state/link.ts';
import { clock, dayAndClock, idOf, objectIn } from '../words.ts';
import type { EdgeRow, ObjectModel } from '../worker/protocol.ts';
import { Who } from './acts.tsx';
import { Asked } from './asked.tsx';
import { DiffView } from './diff.tsx';
import { ImpactView } from './impact.tsx';
import { Story } from './story.tsx';
import { Pick, Tabs } from '../views/parts.tsx';

const NAMES: Record<ObjectTab, string> = {
  history: 'History',
  lines: 'Lines',
  diff: 'Diff',
  yaml: 'YAML',
  uses: 'Uses',
  impact: 'Impact',
};

/** An object at the moment that is shown. */
export function ObjectPanel({ id, title }: { id: string; title: string }) {
  const at = moment.value;
  return (
    <Asked
      key={`${id} ${loaded.value?.rows.length ?? 0}`}
      of={`${id} ${at}`}
      question={() => worker().ask('object', { at, id })}
    >
      {(told) => <Told id={id} title={title} told={told} />}
    </Asked>
  );
}

function Told({ id, title, told }: { id: string; title: string; told: ObjectModel | null }) {
  const { objectTab } = shown.value;
  const query = queryFor(id, told);
  return (
    <div class="body">
      {told === null || told.object.uid === '' ? (
        <p class="note">It does not exist at this moment.</p>
      ) : (
        <p class="facts">
          {told.application !== '' && (
            <>
              Application <Pick id={`app:${told.application}`}>{told.application}</Pick>{' '}
              <span class="dim">({told.because})</span>
            </>
          )}
          {told.team !== '' && (
            <>
              {' '}
              · team <Pick id={`team:${told.team}`}>{told.team}</Pick>
            </>
          )}
        </p>
      )}
      <Tabs label={title} names={NAMES} chosen={objectTab} choose={(tab) => show({ objectTab: tab })} />
      {query === null ? (
        <p class="note">Its type is not known.</p>
      ) : (
        <TabBody tab={objectTab} id={id} told={told} query={query} />
      )}
    </div>
  );
}

/** What the server is asked by: the type in the plural, which the record knows. */
function queryFor(id: string, told: ObjectModel | null): Record<string, string> | null {
  const object = objectIn(id);
  if (object === null) return null;
  const resource =
    told?.object.resource || (loaded.value?.rows.find((row) => idOf(row.object) === id)?.object.resource ?? '');
  return resource === '' ? null : { group: object.group, resource, namespace: object.namespace, name: object.name };
}

function TabBody({
  tab,
  id,
  told,
  query,
}: {
  tab: ObjectTab;
  id: string;
  told: ObjectModel | null;
  query: Record<string, string>;
}) {
  const at = moment.value;
  switch (tab) {
    case 'history':
      return <Story query={query} />;
    case 'lines':
    case 'yaml':
      return <Lines query={query} uid={told?.object.uid ?? ''} at={at} withWho={tab === 'lines'} />;
    case 'diff':
      return <Versions id={id} query={query} at={at} />;
    case 'uses':
      return <Edges told={told} />;
    case 'impact':
      return <ImpactView id={id} />;
  }
}

function Lines({
  query,
  uid,
  at,
  withWho,
}: {
  query: Record<string, string>;
  uid: string;
  at: number;
  withWho: boolean;
}) {
  const asked = { ...query, at: String(at), ...(uid === '' ? {} : { uid }) };
  const key = JSON.stringify(asked);
  return (
    <Asked key={key} of={key} question={() => ask<{ lines: PageLine[] }>('/page/lines', asked)}>
      {({ lines }) =>
        lines.length === 0 ? (
          <p class="note">It does not exist at this moment.</p>
        ) : (
          <div class="code" tabIndex={0} role="region" aria-label="YAML">
            {!withWho && <CopyButton text={lines.map(({ text }) => text).join('\n')} />}
            <table>
              {withWho && (
                <thead class="hidden">
                  <tr>
                    <th>who</th>
                    <th>when</th>
                    <th>line</th>
                  </tr>
                </thead>
              )}
              <tbody>
                {lines.map((line, index) => {
                  const isSame = lines[index - 1]?.seq === line.seq;
                  return (
                    <tr key={index} class={line.kind}>
                      {withWho && (
                        <td class="who" title={line.whole}>
                          {isSame || line.who === '' ? '' : line.at === 0 ? line.who : <Who who={line.who} />}
                        </td>
                      )}
                      {withWho && (
                        <td class="when">
                          {isSame || line.at === 0 ? (
                            ''
                          ) : (
                            <button
                              type="button"
                              class="link"
                              title={`change ${line.seq}, ${dayAndClock(line.at)}`}
                              onClick={() => select(`change:${line.seq}`)}
                            >
                              {clock(line.at)}
                            </button>
                          )}
                        </td>
                      )}
                      <td class="text">{line.text}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        )
      }
    </Asked>
  );
}

/** The earlier version of a comparison, by the number of its change; 0: none was chosen. */
const chosen = signal(0);

/** A diff of any two versions: the one of the moment, and an earlier one. */
function Versions({ id, query, at }: { id: string; query: Record<string, string>; at: number }) {
  const rows = (loaded.value?.rows ?? []).filter((row) => idOf(row.object) === id && row.effect !== 'none');
  const before = rows.filter((row) => row.at <= at);
  const first = loaded.value?.from ?? 0;
  const version = before.find(({ seq }) => seq === chosen.value) ?? before.at(-2);
  const from = version?.at ?? first;
  const asked = { ...query, from: String(from), to: String(at) };
  const key = JSON.stringify(asked);
  return (
    <>
      <p class="versions">
        <label>
          From{' '}
          <select
            value={String(version?.seq ?? 0)}
            onChange={(event) => (chosen.value = Number(event.currentTarget.value))}
          >
            <option value="0">the beginning ({clock(first)})</option>
            {before.map(({ seq, at, who, text }) => (
              <option key={seq} value={String(seq)}>{`${clock(at)} ${who}: ${text.slice(0, 60)}`}</option>
            ))}
          </select>
        </label>{' '}
        to {clock(at)}
      </p>
      <Asked key={key} of={key} question={() => ask<DiffPage>('/page/diff', asked)}>
        {(page) => <DiffView page={page} />}
      </Asked>
    </>
  );
}

function Edges({ told }: { told: ObjectModel | null }) {
  if (told === null) return <p class="note">It does not exist at this moment.</p>;
  return (
    <>
      <EdgeList title="Uses" rows={told.uses} end="to" />
      <EdgeList title="Used by" rows={told.usedBy} end="from" />
    </>
  );
}

function EdgeList({ title, rows, end }: { title: string; rows: readonly EdgeRow[]; end: 'from' | 'to' }) {
  return (
    <section class="edges">
      <h3>
        {title} <span class="dim">{rows.length}</span>
      </h3>
      {rows.length === 0 && <p class="note">nothing</p>}
      <ul>
        {rows.map((row, index) => (
          <li key={index} class={`${row.certainty}${row.missing === '' ? '' : ' broken'}`}>
            <span class="relation">
              {row.relation}
              {row.certainty === 'inferred' ? ' ?' : ''}
            </span>{' '}
            {(end === 'to' ? row.toId : row.fromId).startsWith('object:') ? (
              <Pick id={end === 'to' ? row.toId : row.fromId}>{row[end]}</Pick>
            ) : (
              <span>{row[end]}</span>
            )}
            {row.key !== '' && <span class="dim"> · {row.key}</span>}
            {row.missing !== '' && <b class="missing"> missing{row.missing === 'object' ? '' : ` ${row.missing}`}</b>}
            <span class="field">{row.field}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const done = signal(false);
  return (
    <button
      type="button"
      class="copy"
      onClick={() => void navigator.clipboard.writeText(text).then(() => (done.value = true))}
    >
      {done.value ? 'Copied' : label}
    </button>
  );
}
