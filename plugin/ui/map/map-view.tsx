import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { layout, lit, loaded, model, progress, select, show, shown } from '../state/store.ts';
import { boxTitle, dayAndClock } from '../words.ts';
import type { Box, Layout, Line, Place } from '../worker/protocol.ts';
import { BoxView } from './box.tsx';
import { comparison } from '../views/compare-state.ts';
import { way } from './lines.ts';

/** What of the picture is seen: its middle, and how large. null: all of it. */
const eye = signal<{ x: number; y: number; scale: number } | null>(null);
/** The size of the map on the screen. */
const size = signal({ width: 800, height: 500 });

/** Boxes that came after the layout was made: each keeps the place that it got. */
let extra = new Map<string, Place>();
let extraOf: Layout | null = null;

function placeOf(id: string, all: Layout): Place {
  if (extraOf !== all) {
    extra = new Map();
    extraOf = all;
  }
  const known = all.places[id] ?? extra.get(id);
  if (known !== undefined) return known;
  const place = {
    x: 40 + (extra.size % 4) * 240,
    y: all.height + 10 + Math.floor(extra.size / 4) * 90,
    width: 210,
    height: 66,
  };
  extra.set(id, place);
  return place;
}

/** Opens what a box stands for: an application with what is in it, an object with its neighbours. */
export function open(id: string): void {
  eye.value = null;
  if (id.startsWith('app:')) show({ focus: { kind: 'app', name: id.slice('app:'.length) }, selected: id });
  else if (id.startsWith('loose:')) show({ level: 'objects', selected: id });
  else show({ focus: { kind: 'object', id }, selected: id });
}

export function MapView() {
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const observer = new ResizeObserver(
      () => (size.value = { width: element.clientWidth, height: element.clientHeight }),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const [now, all] = [model.value, layout.value];
  return (
    <div class="map" ref={holder}>
      <Crumbs />
      {now !== null && all !== null && now.boxes.length > 0 ? (
        <Picture boxes={now.boxes} lines={now.lines} all={all} />
      ) : (
        <EmptyMap />
      )}
      <Legend />
      {now !== null && now.left > 0 && (
        <p class="left-out">{now.left} more boxes are not drawn: focus an application</p>
      )}
    </div>
  );
}

function Picture({ boxes, lines, all }: { boxes: readonly Box[]; lines: readonly Line[]; all: Layout }) {
  const { selected } = shown.value;
  const near = selected === '' ? null : neighbours(selected, boxes, lines);
  const compared = comparison.value;
  const differenceOf = (id: string): '' | 'added' | 'removed' | 'changed' =>
    compared === null ? '' : compared.boxes.added.includes(id) ? 'added' : compared.boxes.changed.some((each) => each.id === id) ? 'changed' : ''; // prettier-ignore
  const { width, height } = size.value;
  const places = new Map(boxes.map(({ id }) => [id, placeOf(id, all)]));
  const bottom = Math.max(all.height, ...[...extra.values()].map((place) => place.y + place.height + 20));
  // On a phone a part that can be read is better than a whole that cannot.
  const least = width < 480 ? 0.55 : 0.12;
  const fitting = Math.min(1.15, (width - 24) / Math.max(all.width, 1), (height - 76) / Math.max(bottom, 1));
  const scale = eye.value?.scale ?? Math.max(least, fitting);
  const x = eye.value?.x ?? Math.max(4, (width - all.width * scale) / 2);
  const y = eye.value?.y ?? 44 + Math.max(0, (height - 76 - bottom * scale) / 2);
  const ghosts = Object.entries(all.places).filter(([id]) => !places.has(id));
  return (
    <svg class="picture" width={width} height={height} role="group" aria-label="Map" {...panning({ x, y, scale })}>
      <defs>
        <marker id="arrow" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto">
          <path d="M0 0.6 L7 4 L0 7.4 Z" />
        </marker>
        <marker id="arrow-broken" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto">
          <path d="M0 0.6 L7 4 L0 7.4 Z" />
        </marker>
      </defs>
      <g transform={`translate(${x} ${y}) scale(${scale})`}>
        {ghosts.map(([id, place]) => (
          <g key={`ghost ${id}`} class="ghost" transform={`translate(${place.x} ${place.y})`} aria-hidden="true">
            <rect width={place.width} height={place.height} rx={9} />
            <text x={14} y={place.height / 2 + 4}>
              {boxTitle(id)}
            </text>
          </g>
        ))}
        {lines.map((line) => {
          const [a, b] = [places.get(line.from), places.get(line.to)];
          if (a === undefined || b === undefined) return null;
          const isNear = near === null || line.from === selected || line.to === selected;
          const isLit = lit.value.has(line.from) || lit.value.has(line.to);
          const { path, x, y } = way(a, b);
          return (
            <g
              key={line.id}
              class={`line ${line.certainty}${line.broken > 0 ? ' broken' : ''}${isNear ? '' : ' dim'}${isLit ? ' lit' : ''}`}
            >
              <path d={path} marker-end={line.broken > 0 ? 'url(#arrow-broken)' : 'url(#arrow)'} />
              {line.count > 1 && near !== null && isNear && (
                <text x={x} y={y - 5}>
                  {line.count}
                </text>
              )}
              <title>{`${boxTitle(line.from)} → ${boxTitle(line.to)}: ${line.relations.join(', ')}, ${line.count} ${line.certainty}${line.broken > 0 ? `, ${line.broken} missing` : ''}`}</title>
            </g>
          );
        })}
        {boxes.map((box) => (
          <BoxView
            key={box.id}
            box={box}
            place={places.get(box.id) ?? placeOf(box.id, all)}
            state={
              box.id === selected
                ? 'selected'
                : lit.value.has(box.id)
                  ? 'lit'
                  : near !== null && !near.has(box.id)
                    ? 'dim'
                    : 'plain'
            }
            difference={differenceOf(box.id)}
            onSelect={select}
            onOpen={open}
          />
        ))}
      </g>
    </svg>
  );
}

/** A box and what is one line away from it; null where the map does not have it. */
function neighbours(id: string, boxes: readonly Box[], lines: readonly Line[]): Set<string> | null {
  if (!boxes.some((box) => box.id === id)) return null;
  return new Set([id, ...lines.flatMap(({ from, to }) => (from === id ? [to] : to === id ? [from] : []))]);
}

/** Moves and sizes the picture by pointer and wheel. */
function panning(now: { x: number; y: number; scale: number }) {
  return {
    onPointerDown: (event: PointerEvent) => {
      if (event.button !== 0 || (event.target as Element).closest('.box') !== null) return;
      const picture = event.currentTarget as Element;
      const start = { x: event.clientX, y: event.clientY };
      const move = (to: Event): void => {
        const { clientX, clientY } = to as PointerEvent;
        eye.value = { ...now, x: now.x + clientX - start.x, y: now.y + clientY - start.y };
      };
      const end = (to: Event): void => {
        picture.removeEventListener('pointermove', move);
        const { clientX, clientY } = to as PointerEvent;
        if (Math.abs(clientX - start.x) + Math.abs(clientY - start.y) < 4) select('');
      };
      picture.addEventListener('pointermove', move);
      picture.addEventListener('pointerup', end, { once: true });
    },
    onWheel: (event: WheelEvent) => {
      event.preventDefault();
      const box = (event.currentTarget as Element).getBoundingClientRect();
      const [px, py] = [event.clientX - box.left, event.clientY - box.top];
      const scale = Math.min(3, Math.max(0.1, now.scale * Math.exp(-event.deltaY * 0.0015)));
      const by = scale / now.scale;
      eye.value = { scale, x: px - (px - now.x) * by, y: py - (py - now.y) * by };
    },
  };
}

function Crumbs() {
  const { focus, level } = shown.value;
  const name = focus.kind === 'app' ? focus.name : focus.kind === 'object' ? boxTitle(focus.id) : '';
  return (
    <div class="crumbs">
      <button
        type="button"
        class={focus.kind === 'all' ? 'here' : ''}
        onClick={() => {
          eye.value = null;
          show({ focus: { kind: 'all' } });
        }}
      >
        All applications
      </button>
      {focus.kind !== 'all' && <span aria-current="page">{`› ${name}`}</span>}
      <span class="spring" />
      {focus.kind === 'all' && (
        <span class="levels" role="group" aria-label="Level">
          <button
            type="button"
            aria-pressed={level === 'apps'}
            onClick={() => {
              eye.value = null;
              show({ level: 'apps' });
            }}
          >
            Applications
          </button>
          <button
            type="button"
            aria-pressed={level === 'objects'}
            onClick={() => {
              eye.value = null;
              show({ level: 'objects' });
            }}
          >
            Objects
          </button>
        </span>
      )}
      <button type="button" onClick={() => (eye.value = null)} disabled={eye.value === null}>
        Fit
      </button>
    </div>
  );
}

function Legend() {
  return (
    <ul class="legend" aria-label="What lines mean">
      <li>
        <svg width="30" height="8" aria-hidden="true">
          <path class="declared" d="M0 4H30" />
        </svg>
        declared
      </li>
      <li>
        <svg width="30" height="8" aria-hidden="true">
          <path class="inferred" d="M0 4H30" />
        </svg>
        inferred from a value
      </li>
      <li>
        <svg width="30" height="8" aria-hidden="true">
          <path class="broken" d="M0 4H30" />
        </svg>
        leads to what is missing
      </li>
      <li class="wiring">wiring, not traffic</li>
    </ul>
  );
}

/** Why the map is empty: nothing recorded, nothing then, or no rights. */
function EmptyMap() {
  const all = loaded.value;
  if (all === null || model.value === null)
    return (
      <p class="empty" role="status">
        {progress.value || 'Loading…'}
      </p>
    );
  const { info, denied, coverage } = all.snapshot;
  const at = shown.value.at ?? all.to;
  const gap = coverage.find(({ from, to, covered }) => !covered && from <= at && (to === null || at < to));
  const { focus } = shown.value;
  const why =
    denied.length > 0
      ? `You may not read ${denied.join(', ')}: what you may not read is not drawn.`
      : info.firstAt === null
        ? 'Nothing is recorded yet. Is kubeblame-webhook installed, and is it this cluster? See docs/install.md.'
        : at < info.firstAt
          ? `The record begins at ${dayAndClock(info.firstAt)}.`
          : gap !== undefined
            ? `Nobody recorded then: ${gap.cause}.`
            : focus.kind === 'all'
              ? 'Nothing existed then.'
              : `${focus.kind === 'app' ? focus.name : boxTitle(focus.id)} did not exist then.`;
  return (
    <p class="empty" role="status">
      {why}
    </p>
  );
}
