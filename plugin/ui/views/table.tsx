import { worker } from '../state/load.ts';
import { moment, shown } from '../state/store.ts';
import { Asked } from '../panel/asked.tsx';
import { List, Pick } from './parts.tsx';

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
              <List
                titles={['Application', 'Teams', 'Release', 'Managed by', 'Product', 'Reached at', 'Members']}
                wide
                id="applications"
                data-at={at}
              >
                {named.map(({ name, teams, releases, managers, products, exposed, members }) => (
                  <tr key={name} data-application={name}>
                    <td>
                      <Pick id={`app:${name}`}>{name}</Pick>
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
                              <Pick id={id}>{title}</Pick>
                            </li>
                          ))}
                        </ul>
                      </details>
                    </td>
                  </tr>
                ))}
              </List>
              {none.length > 0 && (
                <p class="note">
                  No application:{' '}
                  {none.map(({ id, title }) => (
                    <Pick key={id} id={id}>
                      {title}
                    </Pick>
                  ))}
                </p>
              )}
              <h2>
                Edges <span class="dim">{rows.length}</span>
              </h2>
              <List titles={['From', 'Relation', 'To', 'Certainty', 'Key', 'Missing', 'Said by']} wide id="edges">
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
              </List>
            </>
          );
        }}
      </Asked>
    </div>
  );
}
