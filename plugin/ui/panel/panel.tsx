import { loaded, overlay, select, shown } from '../state/store.ts';
import { boxTitle, objectIn, titleOf } from '../words.ts';
import { ApplicationPanel } from './application.tsx';
import { ChangePanel } from './change.tsx';
import { ObjectPanel } from './object.tsx';
import { StoryPanel } from './story.tsx';

/** What is told of what is selected: beside the map, or on a small screen below it. */
export function Panel() {
  const { selected } = shown.value;
  if (loaded.value === null) return null;
  const kind = selected.slice(0, Math.max(0, selected.indexOf(':')));
  const name = selected.slice(kind.length + 1);
  const [what, title] = headOf(kind, name, selected);
  return (
    <aside
      class={`panel${selected === '' ? '' : ' chosen'}`}
      aria-label={selected === '' ? 'What happened' : title}
      key={selected}
    >
      <header>
        <div>
          <p class="what">{what}</p>
          <h2>{title}</h2>
        </div>
        {selected !== '' && (
          <button type="button" class="close" onClick={() => select('')} aria-label="Close">
            ✕
          </button>
        )}
      </header>
      <Body kind={kind} name={name} selected={selected} />
    </aside>
  );
}

function headOf(kind: string, name: string, selected: string): [what: string, title: string] {
  if (selected === '') return ['up to this moment', 'What happened'];
  const object = objectIn(selected);
  if (object !== null)
    return [object.kind, object.namespace === '' ? object.name : `${object.namespace}/${object.name}`];
  if (kind === 'change') return ['change', `Change ${name}`];
  const words: Record<string, string> = {
    app: 'application',
    team: 'team',
    user: 'person',
    host: 'host',
    loose: 'no application',
  };
  return [words[kind] ?? kind, boxTitle(selected)];
}

function Body({ kind, name, selected }: { kind: string; name: string; selected: string }) {
  const object = objectIn(selected);
  if (object !== null) return <ObjectPanel id={selected} title={titleOf(object)} />;
  switch (kind) {
    case 'app':
      return <ApplicationPanel name={name} />;
    case 'team':
      return <StoryPanel query={{ team: name }} />;
    case 'user':
      return <StoryPanel query={{ user: name }} />;
    case 'loose':
      return <StoryPanel query={{ namespace: name }} />;
    case 'change':
      return <ChangePanel seq={Number(name)} />;
    case 'host':
      return (
        <p class="note">
          A name or address under which something is reached. Its line on the map leads to what it belongs to.
        </p>
      );
    default:
      return <StoryPanel query={null} />;
  }
}

export function openSearch(): void {
  overlay.value = 'search';
}
