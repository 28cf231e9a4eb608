import { LRUCache } from 'lru-cache';
import type { EventFacts } from '../../../../../shared/events/event.ts';
import type { EventSum } from '../../../../../shared/types.ts';
import { encodeUid } from '../../database/codes.ts';
import type { Statements } from '../../database/statements.ts';
import { addTotals, SUM_BYTES } from './event-totals.ts';

/**
 * Of one object so many Events an hour are kept by themselves, and of one namespace; what comes beyond is counted: by object, type and
 * reason, and where even these are too many, by type alone.
 */
export const OBJECT_EVENTS_AN_HOUR = 500;
export const NAMESPACE_EVENTS_AN_HOUR = 10_000;
const NAMESPACE_SUMS_AN_HOUR = 200;

const HOUR_MS = 3_600_000;
const REMEMBERED = 1_000;

/** What is counted together. */
type Key = Omit<EventSum, 'events' | 'firstAt' | 'lastAt' | 'message'> & { hour: number };

/** Counts Events of a storm instead of keeping them. */
export class EventSums {
  /** How many of an object and an hour, or of a namespace and an hour, are kept or counted, as far as was asked. */
  private readonly counts = new LRUCache<string, number>({ max: REMEMBERED });

  constructor(private readonly statements: Statements) {}

  forget(): void {
    this.counts.clear();
  }

  /** Counts an Event that is new, where it is one too many: `known` where it was counted before. null where it is to be kept by itself. */
  take(facts: EventFacts, batch: number): 'summed' | 'known' | null {
    const key = this.keyFor(facts);
    if (key === null) {
      this.counted(this.placeOf('object', facts));
      this.counted(this.placeOf('namespace', facts));
      return null;
    }
    if (this.isKnown(key, facts)) return 'known';
    const { hour, namespace, group, kind, name, uid, type, reason } = key;
    const isNew =
      this.statements.get<{ events: number }>(
        `INSERT INTO event_sums (hour, namespace, api_group, kind, object, object_uid, type, reason, events, first_at, last_at, message, through, batch)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?)
          ON CONFLICT (hour, namespace, api_group, kind, object, object_uid, type, reason) DO UPDATE SET events = events + 1,
          first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at), message = excluded.message,
          through = max(through, excluded.through), batch = excluded.batch RETURNING events`,
        ...[hour, namespace, group, kind, name, encodeUid(uid), type, reason],
        ...[facts.firstAt, facts.lastAt, facts.message.slice(0, MAX_MESSAGE), versionOf(facts), batch],
      )?.events === 1;
    if (isNew) this.counted(this.placeOf('sums', facts));
    addTotals(this.statements, { summed: 1, bytes: isNew ? SUM_BYTES : 0 });
    return 'summed';
  }

  /** Under what an Event is counted; null where it is kept by itself. */
  private keyFor(facts: EventFacts): Key | null {
    const { namespace, about, type, reason } = facts;
    const kept = (what: 'object' | 'namespace'): number => this.counts.get(this.placeOf(what, facts)) ?? this.look(what, facts); // prettier-ignore
    // Without a uid it is not known whether they are about one object.
    const ofObject = about.uid === '' ? 0 : kept('object');
    if (kept('namespace') < NAMESPACE_EVENTS_AN_HOUR && ofObject < OBJECT_EVENTS_AN_HOUR) return null;
    const { group, kind, name, uid } = about;
    const own: Key = { hour: hourOf(facts), namespace, group, kind, name, uid, type, reason };
    if (this.row(own) !== null || this.sumsOf(facts) < NAMESPACE_SUMS_AN_HOUR) return own;
    return { ...own, group: '', kind: '', name: '', uid: '', reason: '' };
  }

  /** Versions only grow: what is not newer than the newest that was counted is one of them. */
  private isKnown(key: Key, facts: EventFacts): boolean {
    const version = versionOf(facts);
    return version > 0 && version <= (this.row(key)?.through ?? 0);
  }

  private row({ hour, namespace, group, kind, name, uid, type, reason }: Key): { through: number } | null {
    return this.statements.get(
      `SELECT through FROM event_sums WHERE hour = ? AND namespace = ? AND api_group = ? AND kind = ? AND object = ? AND object_uid = ?
        AND type = ? AND reason = ?`,
      ...[hour, namespace, group, kind, name, encodeUid(uid), type, reason],
    );
  }

  private sumsOf(facts: EventFacts): number {
    const place = this.placeOf('sums', facts);
    const known = this.counts.get(place);
    if (known !== undefined) return known;
    const sql = 'SELECT count(*) AS n FROM event_sums WHERE hour = ? AND namespace = ?';
    return this.set(place, this.statements.get<{ n: number }>(sql, hourOf(facts), facts.namespace)?.n ?? 0);
  }

  private look(what: 'object' | 'namespace', facts: EventFacts): number {
    const from = hourOf(facts) * HOUR_MS;
    const [column, value] = what === 'object' ? ['object_uid', encodeUid(facts.about.uid)] : ['namespace', facts.namespace]; // prettier-ignore
    const sql = `SELECT count(*) AS n FROM events WHERE ${column} = ? AND first_at >= ? AND first_at < ?`;
    return this.set(this.placeOf(what, facts), this.statements.get<{ n: number }>(sql, value, from, from + HOUR_MS)?.n ?? 0); // prettier-ignore
  }

  private placeOf(what: 'object' | 'namespace' | 'sums', facts: EventFacts): string {
    return `${what} ${hourOf(facts)} ${what === 'object' ? facts.about.uid : facts.namespace}`;
  }

  private counted(place: string): void {
    const known = this.counts.get(place);
    if (known !== undefined) this.counts.set(place, known + 1);
  }

  private set(place: string, count: number): number {
    this.counts.set(place, count);
    return count;
  }
}

const MAX_MESSAGE = 1_024;

function hourOf({ firstAt }: EventFacts): number {
  return Math.floor(firstAt / HOUR_MS);
}

function versionOf({ version }: EventFacts): number {
  return /^\d{1,15}$/.test(version) ? Number(version) : 0;
}
