import type { ComponentChildren } from 'preact';
import { goTo, select } from '../state/store.ts';
import { clock, dayAndClock } from '../words.ts';

/** A name that selects what it is of: an object's id, `change:12`, `app:shop`, `team:a`, `user:b`. */
export function Pick({ id, children }: { id: string; children: ComponentChildren }) {
  return (
    <button type="button" class="link" onClick={() => select(id)}>
      {children}
    </button>
  );
}

/** A time that the page goes to, and the change of then, where it is known. */
export function When({ at, seq }: { at: number; seq: number | null }) {
  return (
    <button
      type="button"
      class="link"
      title={dayAndClock(at)}
      onClick={() => {
        goTo(at);
        if (seq !== null) select(`change:${seq}`);
      }}
    >
      {clock(at)}
    </button>
  );
}

/** A table with a title for each column; its rows are the children. */
export function List({
  titles,
  wide = false,
  children,
  ...attributes
}: {
  titles: readonly string[];
  wide?: boolean;
  id?: string;
  'data-at'?: number;
  children: ComponentChildren;
}) {
  return (
    <table class={wide ? 'list wide' : 'list'} {...attributes}>
      <thead>
        <tr>
          {titles.map((title) => (
            <th key={title}>{title}</th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}

/** Tabs of which one is chosen. `names`: of each, what it is called. */
export function Tabs<Tab extends string>({
  label,
  names,
  chosen,
  choose,
}: {
  label: string;
  names: Readonly<Record<Tab, string>>;
  chosen: Tab;
  choose: (tab: Tab) => void;
}) {
  return (
    <div class="tabs" role="tablist" aria-label={label}>
      {(Object.keys(names) as Tab[]).map((tab) => (
        <button key={tab} type="button" role="tab" aria-selected={tab === chosen} onClick={() => choose(tab)}>
          {names[tab]}
        </button>
      ))}
    </div>
  );
}
