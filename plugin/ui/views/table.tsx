import { worker } from '../state/load.ts';
import { moment, select, shown } from '../state/store.ts';
import { Asked } from '../panel/asked.tsx';

/** All that the map shows at the moment, as tables: for whoever reads rows better than pictures, or has them read out. */
export function TableView() {
  const at = moment.value;
  const { focus } = shown.value;
  return (
    <div class="page-view">
      <Asked of={String(at)} question={async () => ({ ...(await worker().ask('table', { at })), at })}>
        {({ applications, edges, none, at }) => {
          const named = focus.kind === 'app' ? applications.filter(({ name }) => name === focus.name) : applications;
          const members =
            focus.kind === 'app' ? new Set(named.flatMap((each) => each.members.map(({ id }) => id))) : null;
          const rows = edges.filter(({ fromId, toId }) => members === null || members.has(fromId) || members.has(toId));
          return (
            <>
              <h2>
                Applications <span class="dim">{named.length}</span>
              </h2>
              <table class="list wide" id="applications" data-at={at}>
                <thead>
                  <tr>
                    <th>Application</th>
                    <th>Teams</th>
                    <th>Release</th>
                    <th>Managed by</th>
                    <th>Product</th>
                    <th>Reached at</th>
                    <th>Members</th>
                  </tr>
                </thead>
                <tbody>
                  {named.map(({ name, teams, releases, managers, products, exposed, members }) => (
                    <tr key={name} data-application={name}>
                      <td>
                        <button type="button" class="link" onClick={() => select(`app:${name}`)}>
                          {name}
                        </button>
                      </td>
                      <td>{teams.join(' ')}</td>
                      <td>{releases.join(' ')}</td>
                      <td>{managers.join(' ')}</td>
                      <td>{products.join(' ')}</td>
                      <td>{exposed.join(' ')}</td>
                      <td>
                        <details>
                          <summary>{members.length}</summary>
                          <ul>
                            {members.map(({ id, title, team, version, revision, chart, conflict }) => (
                              <li
                                key={id}
                                data-member={title}
                                data-team={team}
                                data-version={version}
                                data-revision={revision}
                                data-chart={chart}
                                data-conflict={conflict}
                              >
                                <button type="button" class="link" onClick={() => select(id)}>
                                  {title}
                                </button>
                              </li>
                            ))}
                          </ul>
                        </details>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
              {none.length > 0 && (
                <p class="note">
                  No application:{' '}
                  {none.map(({ id, title }) => (
                    <button key={id} type="button" class="link" onClick={() => select(id)}>
                      {title}
                    </button>
                  ))}
                </p>
              )}
              <h2>
                Edges <span class="dim">{rows.length}</span>
              </h2>
              <table class="list wide" id="edges">
                <thead>
                  <tr>
                    <th>From</th>
                    <th>Relation</th>
                    <th>To</th>
                    <th>Certainty</th>
                    <th>Key</th>
                    <th>Missing</th>
                    <th>Said by</th>
                  </tr>
                </thead>
                <tbody>
                  {rows.map((row, index) => (
                    <tr key={index} class={row.missing === '' ? '' : 'broken'}>
                      <td>{row.from}</td>
                      <td>{row.relation}</td>
                      <td>{row.to}</td>
                      <td>{row.certainty}</td>
                      <td>{row.key}</td>
                      <td>{row.missing}</td>
                      <td class="dim">
                        {row.by === row.from ? '' : `${row.by} `}
                        {row.field}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </>
          );
        }}
      </Asked>
    </div>
  );
}
