import { computed, signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { loadOlder } from '../state/load.ts';
import { goTo, lit, loaded, model, moment, playing, progress, range, select, show, shown } from '../state/store.ts';
import { clock, dayAndClock, idOf, plural, zone } from '../words.ts';
import { binsOf, ticksOf } from './bins.ts';
import { nextChange, nextRelease, togglePlay } from './moves.ts';

const HEIGHT = { axis: 20, marks: 18, people: 44, robots: 26 };
const ALL = HEIGHT.axis + HEIGHT.marks + HEIGHT.people + HEIGHT.robots;
const ZERO = HEIGHT.axis + HEIGHT.marks + HEIGHT.people;

const width = signal(800);
/** A stretch that is being marked with the brush. */
const brush = signal<{ from: number; to: number } | null>(null);

const bins = computed(() => {
  const { from, to } = range.value;
  return binsOf(loaded.value?.rows ?? [], from, to, Math.max(20, Math.floor(width.value / 7)));
});

function xOf(at: number): number {
  const { from, to } = range.value;
  return ((at - from) / Math.max(1, to - from)) * width.value;
}

function atOf(x: number): number {
  const { from, to } = range.value;
  return from + (x / width.value) * (to - from);
}

export function Timeline() {
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => (width.value = Math.max(200, element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const all = loaded.value;
  return (
    <section class="timeline" aria-label="Timeline">
      <Controls />
      <div class="scale" ref={holder}>
        {all !== null && <Scale />}
      </div>
    </section>
  );
}

function Controls() {
  const all = loaded.value;
  const { at, range: zoom } = shown.value;
  const [now, older] = [moment.value, all?.older ?? null];
  return (
    <div class="controls">
      <button type="button" class="play" aria-pressed={playing.value} onClick={togglePlay} title="Play (space)">
        {playing.value ? '❚❚' : '▶'}
        <span class="hidden">Play</span>
      </button>
      <button type="button" onClick={() => nextChange(-1)} title="Earlier change (←)" aria-label="Earlier change">
        ‹
      </button>
      <button type="button" onClick={() => nextChange(1)} title="Next change (→)" aria-label="Next change">
        ›
      </button>
      <button type="button" onClick={() => nextRelease(1)} title="Next release (shift →)">
        Next release
      </button>
      <output class="moment" aria-live="off">
        <b>{clock(now)}</b> {dayAndClock(now).split(',')[0]} {zone(now)}
      </output>
      <button
        type="button"
        class={at === null ? 'now on' : 'now'}
        aria-pressed={at === null}
        onClick={() => show({ at: null })}
      >
        {isLive() ? 'Now' : 'End'}
      </button>
      <span class="spring" />
      <span class="key people" aria-hidden="true">
        people
      </span>
      <span class="key robots" aria-hidden="true">
        robots
      </span>
      <span class="key release" aria-hidden="true">
        ◆ release
      </span>
      {zoom !== null && (
        <button type="button" onClick={() => show({ range: null })}>
          Whole time
        </button>
      )}
      {older !== null && (
        <button type="button" onClick={() => void loadOlder()} disabled={progress.value !== ''}>
          Load earlier
        </button>
      )}
      <span class="counts">{progress.value !== '' ? progress.value : plural(all?.rows.length ?? 0, 'change')}</span>
    </div>
  );
}

/** Whether the record goes on now. */
function isLive(): boolean {
  const all = loaded.value;
  return all !== null && all.to === all.snapshot.at;
}

function Scale() {
  const all = loaded.value;
  if (all === null) return null;
  const { from, to } = range.value;
  const { people, robots, most } = bins.value;
  const each = width.value / people.length;
  const tall = (count: number, height: number): number =>
    count === 0 ? 0 : Math.max(2, Math.sqrt(count / most) * height);
  const bars = (counts: readonly number[], height: number, up: boolean): string =>
    counts.map((count, bin) => (count === 0 ? '' : `M${(bin * each + 0.5).toFixed(1)} ${ZERO}h${Math.max(1, each - 1).toFixed(1)}v${((up ? -1 : 1) * tall(count, height)).toFixed(1)}h${(-Math.max(1, each - 1)).toFixed(1)}z`)).join(''); // prettier-ignore
  const x = xOf(moment.value);
  const { other } = shown.value;
  const marks = all.marks.filter(({ at }) => at >= from && at <= to);
  return (
    <svg
      class="time"
      width={width.value}
      height={ALL}
      tabindex={0}
      role="slider"
      aria-label="Moment"
      aria-valuemin={all.from}
      aria-valuemax={all.to}
      aria-valuenow={moment.value}
      aria-valuetext={dayAndClock(moment.value)}
      onPointerDown={startDrag}
      onPointerMove={point}
      onPointerLeave={() => (lit.value = new Set())}
      onDblClick={() => show({ range: null })}
      onWheel={zoom}
    >
      <defs>
        <pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <path d="M0 0V7" />
        </pattern>
      </defs>
      <rect class="bed" y={HEIGHT.axis} width={width.value} height={ALL - HEIGHT.axis} />
      {all.snapshot.coverage
        .filter(({ covered }) => !covered)
        .map((gap) => {
          const [a, b] = [
            Math.max(0, xOf(gap.from)),
            Math.min(width.value, xOf(gap.to ?? Math.max(all.snapshot.now, to))),
          ];
          return b <= 0 || a >= width.value ? null : (
            <g key={`gap ${gap.from}`} class="gap">
              <rect x={a} y={HEIGHT.axis} width={Math.max(2, b - a)} height={ALL - HEIGHT.axis} fill="url(#hatch)" />
              <title>{`not recorded: ${gap.cause}`}</title>
            </g>
          );
        })}
      {all.older !== null && (
        <rect class="unloaded" x={0} y={HEIGHT.axis} width={Math.max(0, xOf(all.from))} height={ALL - HEIGHT.axis}>
          <title>older changes are not loaded</title>
        </rect>
      )}
      {ticksOf(from, to, width.value / 90).map((tick) => (
        <g key={tick} class="tick" transform={`translate(${xOf(tick).toFixed(1)} 0)`}>
          <path d={`M0 ${HEIGHT.axis}V${ALL}`} />
          <text y={13}>
            {to - from > 3 * 86_400_000
              ? new Date(tick).toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
              : clock(tick)}
          </text>
        </g>
      ))}
      <path class="people" d={bars(people, HEIGHT.people - 2, true)} />
      <path class="robots" d={bars(robots, HEIGHT.robots - 2, false)} />
      <path class="zero" d={`M0 ${ZERO}H${width.value}`} />
      {marks.map((mark) => (
        <path
          key={`${mark.seq}`}
          class="release"
          transform={`translate(${xOf(mark.at).toFixed(1)} ${HEIGHT.axis + HEIGHT.marks / 2})`}
          d="M0 -6L5.5 0L0 6L-5.5 0Z"
        >
          <title>{`${clock(mark.at)} ${mark.text}`}</title>
        </path>
      ))}
      {brush.value !== null && (
        <rect
          class="brush"
          x={xOf(brush.value.from)}
          y={0}
          width={Math.max(1, xOf(brush.value.to) - xOf(brush.value.from))}
          height={ALL}
        />
      )}
      {other !== null && (
        <g class="other" transform={`translate(${xOf(other)} 0)`}>
          <path d={`M0 0V${ALL}`} />
          <text x={4} y={HEIGHT.axis + 12}>
            B
          </text>
        </g>
      )}
      <g class="hand" transform={`translate(${x.toFixed(1)} 0)`}>
        <path d={`M0 6V${ALL}`} />
        <circle cy={HEIGHT.axis - 8} r={6} />
      </g>
    </svg>
  );
}

/** Drags the moment; above, or with shift, marks a stretch to look at more closely. */
function startDrag(event: PointerEvent): void {
  if (event.button !== 0) return;
  const scale = event.currentTarget as SVGSVGElement;
  const box = scale.getBoundingClientRect();
  const at = (to: PointerEvent): number => atOf(Math.min(Math.max(0, to.clientX - box.left), width.value));
  const isBrush = event.shiftKey || event.clientY - box.top < HEIGHT.axis - 2;
  const start = at(event);
  scale.setPointerCapture(event.pointerId);
  playing.value = false;
  if (!isBrush) goTo(start);
  const move = (to: Event): void => {
    const now = at(to as PointerEvent);
    if (isBrush) brush.value = { from: Math.min(start, now), to: Math.max(start, now) };
    else goTo(now);
  };
  scale.addEventListener('pointermove', move);
  scale.addEventListener('pointerup', () => {
    scale.removeEventListener('pointermove', move);
    const marked = brush.value;
    brush.value = null;
    if (marked !== null && xOf(marked.to) - xOf(marked.from) > 6) show({ range: { from: Math.round(marked.from), to: Math.round(marked.to) } });
    else if (isBrush) goTo(start);
  }, { once: true }); // prettier-ignore
}

/** Lights what the changes under the pointer touched. */
function point(event: PointerEvent): void {
  if (event.buttons !== 0) return;
  const box = (event.currentTarget as Element).getBoundingClientRect();
  const x = event.clientX - box.left;
  const [from, to] = [atOf(x - 4), atOf(x + 4)];
  const boxOf = model.value?.boxOf ?? {};
  const touched = (loaded.value?.rows ?? []).flatMap(({ at, object }) =>
    at < from || at > to ? [] : [boxOf[object.uid] ?? idOf(object)],
  );
  const same = touched.length === lit.value.size && touched.every((id) => lit.value.has(id));
  if (!same) lit.value = new Set(touched);
}

function zoom(event: WheelEvent): void {
  const all = loaded.value;
  if (all === null) return;
  event.preventDefault();
  const box = (event.currentTarget as Element).getBoundingClientRect();
  const at = atOf(event.clientX - box.left);
  const { from, to } = range.value;
  const by = Math.exp(event.deltaY * 0.0015);
  const [a, b] = [at - (at - from) * by, at + (to - at) * by];
  if (b - a < 1000) return;
  show({
    range:
      b - a >= (all.to - all.from) * 1.02
        ? null
        : { from: Math.round(Math.max(a, all.from - 1000)), to: Math.round(Math.min(b, all.to + 1000)) },
  });
}

/** Selects a release by its mark: for the list of releases. */
export function toMark(seq: number, at: number): void {
  show({ at });
  select(`change:${seq}`);
}
