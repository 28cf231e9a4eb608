import { signal } from '@preact/signals';
import { open } from '../map/map-view.tsx';
import { worker } from '../state/load.ts';
import { ask } from '../state/server.ts';
import { loaded, moment, shown } from '../state/store.ts';
import type { ApplicationRow } from '../worker/protocol.ts';
import { Who } from './acts.tsx';
import { Asked } from './asked.tsx';
import { Story } from './story.tsx';
import { List, Pick, Tabs, When } from '../views/parts.tsx';

const TITLES = { history: 'History', members: 'What it is made of', releases: 'Releases' };
const tab = signal<keyof typeof TITLES>('history');

/** An application: of whom it is, which versions it has, what belongs to it, and what happened to it. */
export function ApplicationPanel({ name }: { name: string }) {
  const at = moment.value;
  return (
    <Asked
      key={`${name} ${loaded.value?.rows.length ?? 0}`}
      of={`${name} ${at}`}
      question={() => worker().ask('table', { at })}
    >
      {({ applications }) => <Told name={name} row={applications.find((each) => each.name === name)} />}
    </Asked>
  );
}

function Told({ name, row }: { name: string; row: ApplicationRow | undefined }) {
  const { focus } = shown.value;
  const isFocused = focus.kind === 'app' && focus.name === name;
  return (
    <div class="body">
      {row === undefined ? (
        <p class="note">It does not exist at this moment.</p>
      ) : (
        <dl class="sheet">
          <dt>Team</dt>
          <dd>
            {row.teams.length === 0
              ? 'nobody says'
              : row.teams.map((team) => (
                  <Pick key={team} id={`team:${team}`}>
                    {team}
                  </Pick>
                ))}
          </dd>
          <dt>Release</dt>
          <dd>
            {row.releases.join(', ') || '-'}
            {row.releasesFrom === 'tag' && row.releases.length > 0 ? ' (by image)' : ''}
          </dd>
          {row.managers.length > 0 && (
            <>
              <dt>Managed by</dt>
              <dd>{row.managers.join(', ')}</dd>
            </>
          )}
          {row.products.length > 0 && (
            <>
              <dt>Product</dt>
              <dd>{row.products.join(', ')}</dd>
            </>
          )}
          {row.exposed.length > 0 && (
            <>
              <dt>Reached at</dt>
              <dd>{row.exposed.join(', ')}</dd>
            </>
          )}
          {row.members
            .filter(({ conflict }) => conflict !== '')
            .map(({ title, conflict }) => (
              <>
                <dt>Disagrees</dt>
                <dd class="conflict">
                  {title}: {conflict}
                </dd>
              </>
            ))}
        </dl>
      )}
      {row !== undefined && !isFocused && (
        <p>
          <button type="button" class="main" onClick={() => open(`app:${name}`)}>
            Show what is in it
          </button>
        </p>
      )}
      <Tabs label={name} names={TITLES} chosen={tab.value} choose={(each) => (tab.value = each)} />
      {tab.value === 'history' && <Story query={{ application: name }} />}
      {tab.value === 'members' && <Members row={row} />}
      {tab.value === 'releases' && <Releases name={name} />}
    </div>
  );
}

function Members({ row }: { row: ApplicationRow | undefined }) {
  const members = (row?.members ?? []).filter(({ because }) => !because.startsWith('owner '));
  return (
    <List titles={['Object', 'Team', 'Because']}>
      {members.map(({ id, title, team, because }) => (
        <tr key={id}>
          <td>
            <Pick id={id}>{title}</Pick>
          </td>
          <td>{team}</td>
          <td class="dim">{because}</td>
        </tr>
      ))}
    </List>
  );
}

interface ReleasesPage {
  workloads: {
    object: { kind: string; name: string; namespace: string };
    intervals: {
      from: number;
      to: number | null;
      seq: number | null;
      who: string;
      version: { version?: string; images: { tag: string }[]; chart?: string; revision?: string };
      contradiction: { label: string; tag: string } | null;
    }[];
  }[];
}

/** Which version of each workload ran from when to when, and who brought it. */
function Releases({ name }: { name: string }) {
  return (
    <Asked
      of={name}
      question={() => ask<ReleasesPage>('/page/releases', { application: name, until: loaded.value?.to })}
    >
      {({ workloads }) =>
        workloads.length === 0 ? (
          <p class="note">No workload of it is recorded.</p>
        ) : (
          <List titles={['Workload', 'From', 'Version', 'Who']}>
            {workloads.flatMap(({ object, intervals }) =>
              intervals.map(({ from, version, contradiction, who, seq }, index) => (
                <tr key={`${object.name} ${index}`}>
                  <td>{index === 0 ? `${object.kind.toLowerCase()}/${object.name}` : ''}</td>
                  <td>
                    <When at={from} seq={seq} />
                  </td>
                  <td>
                    {[version.version ?? version.images[0]?.tag, version.chart, version.revision?.slice(0, 8)]
                      .filter((each) => each !== undefined && each !== '')
                      .join(' · ')}
                    {contradiction !== null && <b class="missing"> ≠ image {contradiction.tag}</b>}
                  </td>
                  <td>{who === '' ? '' : <Who who={who} />}</td>
                </tr>
              )),
            )}
          </List>
        )
      }
    </Asked>
  );
}
