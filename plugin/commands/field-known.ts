import { KubeblameError } from '../../shared/errors.ts';
import { similarFields } from '../../shared/field-hints.ts';
import { findField, parseField } from '../../shared/field-path.ts';
import type { JsonObject, LedgerReader } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { printable } from '../views/text.ts';
import { tellPartial } from './notes.ts';
import type { Selection } from './scopes.ts';

/** Objects whose fields are looked at for a name that is spelt alike. */
const OBJECTS = 20;

/**
 * Rejects with field-unknown where none of the objects ever had a field, as far as the record goes: an empty answer about
 * a misspelt one would read as "nothing changed". Says which fields could be meant.
 */
export async function requireField(
  { scopes, title }: Selection,
  field: string,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  const steps = parseField(field);
  const bodies: JsonObject[] = [];
  for (const scope of scopes) {
    // Whoever ever set it, and whatever came of it.
    const asked = { scope, status: true, attempts: true, limit: 1 };
    if ((await reader.changes({ ...asked, field })).changes.length > 0) return;
    const { states } = await reader.states({ scope, at: io.now, limit: OBJECTS });
    bodies.push(...states.map(({ body }) => body));
    if (states.length > 0) continue;
    const [last] = (await reader.changes({ ...asked, bodies: true })).changes;
    const body = last?.after ?? last?.before;
    if (body != null) bodies.push(body);
  }
  // What is not known, or may not be read, is told otherwise.
  if (bodies.length === 0 || bodies.some((body) => findField(body, steps) !== null)) return;
  const { firstAt } = await reader.info();
  if (firstAt !== null) await tellPartial(firstAt, io.now, reader, io);
  const similar = [...new Set(bodies.flatMap((body) => similarFields(body, steps)))].slice(0, 3);
  throw new KubeblameError(
    'field-unknown',
    `${printable(field)}: no such field in the record of ${title}`,
    similar.length > 0
      ? `did you mean ${similar.map((each) => printable(each)).join(' or ')}?`
      : '--at now -o yaml prints all fields',
  );
}
