import { Component } from 'preact';
import { hueOf, plural } from '../words.ts';
import type { Box, Place } from '../worker/protocol.ts';

export interface BoxProps {
  box: Box;
  place: Place;
  state: 'plain' | 'selected' | 'lit' | 'dim';
  difference: '' | 'added' | 'removed' | 'changed';
  onSelect: (id: string) => void;
  onOpen: (id: string) => void;
}

/** Characters that fit in a line, about: text in SVG does not end by itself. */
function fit(text: string, width: number, size: number): string {
  const most = Math.floor(width / (size * 0.6));
  return text.length <= most ? text : `${text.slice(0, Math.max(1, most - 1))}…`;
}

/** One box. It is drawn anew only where what it tells has changed: the window is dragged through. */
export class BoxView extends Component<BoxProps> {
  override shouldComponentUpdate(next: BoxProps): boolean {
    const { box, place, state, difference } = this.props;
    return (
      state !== next.state ||
      difference !== next.difference ||
      place !== next.place ||
      JSON.stringify(box) !== JSON.stringify(next.box)
    );
  }

  override render({ box, place, state, difference, onSelect, onOpen }: BoxProps) {
    const { width, height } = place;
    const [team] = box.teams;
    const isBig = box.kind === 'app' || box.kind === 'loose' || box.kind === 'workload';
    const pods = box.pods === null ? '' : plural(box.pods, 'pod');
    const lacks = box.broken > 0 && box.kind !== 'missing' ? ` · lacks ${box.missing.join(', ')}` : '';
    const second = isBig ? box.teams.join(', ') || box.type || 'no team' : box.type + lacks;
    const third = [box.release, pods].filter((each) => each !== '').join('  ·  ');
    const label = [box.title, box.type, box.teams.length > 0 ? `team ${box.teams.join(', ')}` : '', box.release === '' ? '' : `release ${box.release}`, pods, box.broken > 0 ? `missing: ${box.missing.join(', ')}` : '', box.conflict].filter((each) => each !== '').join(', '); // prettier-ignore
    return (
      <g
        class={`box ${box.kind} ${state}${difference === '' ? '' : ` ${difference}`}${box.broken > 0 ? ' broken' : ''}`}
        transform={`translate(${place.x} ${place.y})`}
        tabindex={0}
        role="button"
        data-label={label}
        data-id={box.id}
        style={team === undefined ? undefined : { '--hue': String(hueOf(team)) }}
        onClick={() => onSelect(box.id)}
        onDblClick={() => onOpen(box.id)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') onSelect(box.id);
          if (event.key === 'f') onOpen(box.id);
        }}
      >
        <title>{[label, ...box.badges.map((badge) => `uses ${badge}`)].join('\n')}</title>
        <rect class="frame" width={width} height={height} rx={box.kind === 'host' ? height / 2 : 9} />
        {team !== undefined && box.kind !== 'host' && (
          <rect class="team" x={0} y={9} width={4} height={height - 18} rx={2} />
        )}
        <text class="title" x={box.kind === 'host' ? 18 : 14} y={isBig ? 26 : height / 2 - 3}>
          {fit(box.title, width - (box.broken > 0 || box.conflict !== '' ? 46 : 24), isBig ? 15.5 : 14)}
        </text>
        <text class="second" x={box.kind === 'host' ? 18 : 14} y={isBig ? 45 : height / 2 + 14}>
          {fit(box.kind === 'missing' ? `missing ${second}` : second, width - 28, 12.5)}
        </text>
        {isBig && third !== '' && (
          <text class="third" x={14} y={63}>
            {fit(third, width - 28, 12.5)}
          </text>
        )}
        {isBig && box.broken > 0 && (
          <text class="lacks" x={14} y={81}>
            {fit(`missing ${box.missing.join(', ')}`, width - 28, 12.5)}
          </text>
        )}
        {isBig && box.broken === 0 && box.conflict !== '' && (
          <text class="lacks differs" x={14} y={81}>
            {fit(box.conflict, width - 28, 12.5)}
          </text>
        )}
        {box.broken > 0 && (
          <g class="mark" transform={`translate(${width - 20} 18)`}>
            <path d="M0 -8 L9 8 L-9 8 Z" />
            <text y={5.5}>!</text>
          </g>
        )}
        {box.broken === 0 && box.conflict !== '' && (
          <g class="mark differs" transform={`translate(${width - 19} 18)`}>
            <rect x={-7.5} y={-7.5} width={15} height={15} rx={3} />
            <text y={4.5}>≠</text>
          </g>
        )}
        {difference !== '' && (
          <text class="difference" x={width - 2} y={-5}>
            {{ added: '+ new', removed: '− gone', changed: '~ changed' }[difference]}
          </text>
        )}
      </g>
    );
  }
}
