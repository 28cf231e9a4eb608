import assert from 'node:assert/strict';
import { KubeblameError } from '../../../shared/errors.ts';
import { isObject, parseJson } from '../../../shared/json.ts';
import { normalise, refOf, type ManagedField } from '../../../shared/normalise.ts';
import { readReview, type Review } from '../../../shared/review.ts';
import { configMap, reviewDocument } from '../../../shared/testing/reviews.ts';
import { seeded } from '../../../shared/testing/random.ts';
import { shopLines } from '../../../shared/testing/shop.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { mutate } from '../../testing/torture/mutate.ts';
import { readHead, uidOf } from './review-head.ts';
import { ReviewReader } from './review-reader.ts';
import { servedTypeOf } from '../../testing/api-server/shop-events.ts';
import { readShown } from '../../platform/kubernetes/watch/shown.ts';
import type { WatchEvent } from '../../platform/kubernetes/watch/reflector.ts';

const SEED = 20261125;
const recorded = shopLines('reviews.ndjson.gz').map((line) => JSON.stringify((JSON.parse(line) as JsonObject).review));
const newReader = (): ReviewReader => new ReviewReader(({ resource }) => resource === 'secrets');

/** What reading gives: the review, or the error's code and message. managedFields by what they tell. */
function outcome(read: () => Review): unknown {
  try {
    const review = read();
    const plain = ({ manager, time }: ManagedField): unknown => ({ manager, time });
    const bodies = [review.object, review.oldObject].map((body) =>
      body === null ? null : { ...body, managedFields: body.managedFields.map(plain) },
    );
    // Text, so that the order of keys counts.
    return JSON.stringify([review, bodies], (key, value: unknown) => (key === 'entry' ? undefined : value));
  } catch (error) {
    assert.ok(error instanceof KubeblameError, String(error));
    return [error.code, error.message];
  }
}

function requireSame(reader: ReviewReader, text: string): void {
  const expected = outcome(() => readReview(parseJson(text)));
  const bytes = Buffer.from(text);
  assert.deepEqual(
    outcome(() => reader.read(bytes)),
    expected,
    text,
  );
  requireSameHead(bytes);
}

/** What a head tells is what all of the review tells, unless that cannot be read for what is inside of an object. */
function requireSameHead(bytes: Buffer): void {
  const read = <T>(from: () => T): T | KubeblameError => {
    try {
      return from();
    } catch (error) {
      assert.ok(error instanceof KubeblameError, String(error));
      return error;
    }
  };
  const head = read(() => readHead(bytes));
  if (head === null) return;
  const all = read(() => readReview(parseJson(bytes.toString())));
  if (head instanceof KubeblameError) assert.ok(all instanceof KubeblameError);
  else if (all instanceof KubeblameError) {
    if (all.code === 'review-invalid') assert.match(all.message, /[oO]bject\.metadata must be an object$/);
  } else {
    const isThere = (body: unknown): boolean => body !== null;
    assert.deepEqual(
      { ...head, object: isThere(head.object), oldObject: isThere(head.oldObject) },
      { ...all, object: isThere(all.object), oldObject: isThere(all.oldObject) },
    );
    assert.equal(uidOf(bytes), all.uid);
  }
}

describe('a review that is read by its parts', () => {
  it('is what parsing all of it gives: the recording', () => {
    const reader = newReader();
    for (const text of recorded) requireSame(reader, text);
  });

  it('is what parsing all of it gives, errors included: mutations', () => {
    const reader = newReader();
    const random = seeded(SEED);
    for (let n = 0; n < 1_500; n++) {
      const text = recorded[Math.floor(random() * recorded.length)] ?? '';
      // Halves of pairs, which a mutation can leave, are no UTF-8.
      requireSame(reader, Buffer.from(mutate(text, recorded, random)).toString());
    }
  });

  const text = (object: string): string =>
    JSON.stringify(reviewDocument({ uid: 'u', object: null })).replace('"object":null', `"object":${object}`);
  const many = (item: (index: number) => string): string => Array.from({ length: 20_000 }, (_, n) => item(n)).join();
  const odd: [what: string, text: string][] = [
    ['ends with a new line, as Go writes it', `${text('{"metadata":{"name":"a"}}')}\n`],
    ['has a second document behind it', `${text('{"metadata":{"name":"a"}}')}{}`],
    ['has white space', JSON.stringify(reviewDocument(), null, 2)],
    ['has a key twice in an object', text('{"spec":{},"spec":{}}')],
    ['has a key twice in metadata', text('{"metadata":{"name":"a","name":"b"}}')],
    ['has managedFields twice', text('{"metadata":{"managedFields":[],"managedFields":[]}}')],
    ['has metadata twice', text('{"metadata":{"name":"a"},"metadata":{"name":"b"}}')],
    ['has the object twice', text('{"metadata":{}},"object":{"metadata":{"name":"a"}}')],
    ['has metadata that are no object', text('{"metadata":[]}')],
    ['has no metadata', text('{"spec":{}}')],
    ['has an object that is none', text('[]')],
    ['has a resourceVersion that is a number', text('{"metadata":{"resourceVersion":12}}')],
    ['has managedFields that are no list', text('{"metadata":{"managedFields":{"manager":"a"}}}')],
    ['has managedFields that hold something else', text('{"metadata":{"managedFields":[1,{"manager":"a"}]}}')],
    [
      'has managedFields of its own elsewhere',
      text('{"metadata":{},"spec":{"managedFields":[1]},"managedFields":[2]}'),
    ],
    ['has __proto__ for a key', text('{"metadata":{},"__proto__":{"a":1},"spec":{"__proto__":1}}')],
    ['has keys that are spelled with escapes', text('{"metadat\\u0061":{"name":"a"},"spec":{}}')],
    ['has managedFields that are spelled with escapes', text('{"metadata":{"managedF\\u0069elds":[{"manager":"a"}]}}')],
    ['has an old object that is a number, and spelled with escapes', text('{"metadata":{}},"\\u006fldObject":5')],
    ['has an object that is spelled with escapes', text('null,"\\u006fldObject":{"metadata":{"name":"a"}}')],
    ['has a request that is spelled with escapes', text('{"metadata":{}}').replace('"request"', '"reques\\u0074"')],
    ['has numbers that JavaScript cannot hold', text('{"metadata":{"generation":12345678901234567890},"spec":[1.0]}')],
    ['has more members than a real object', text(`{"metadata":{},${many((n) => `"m${n}":{"n":${n}}`)}}`)],
    [
      'has more managers than a real object',
      text(`{"metadata":{"managedFields":[${many((n) => `{"manager":"${n}"}`)}]}}`),
    ],
    ['is not ASCII', text('{"metadata":{"name":"ü€😀"},"data":{"ü":"€"}}')],
    ['is nested deeper than is looked through', text(`{"spec":${'['.repeat(300)}${']'.repeat(300)}}`)],
    ['is nested too deep', text(`{"spec":${'['.repeat(1100)}${']'.repeat(1100)}}`)],
    ['has brackets that do not match', text('{"spec":{"a":[}]}')],
    ['has an entry that is not JSON', text('{"metadata":{"managedFields":[{"manager":tru}]}}')],
    ['is cut off', text('{"spec":{"a":"b').slice(0, -40)],
    ['ends in a backslash', '{"kind":"Admission\\'],
    ['is an empty object', '{}'],
    ['is a text', '"a"'],
  ];
  for (const [what, body] of odd) {
    it(`and ${what}: as parsing all of it`, () => {
      requireSame(newReader(), body);
    });
  }

  it('shares what it has in common with the one before, and its old object with its new one', () => {
    const reader = newReader();
    const read = (object: JsonObject, oldObject: JsonObject): Review =>
      reader.read(Buffer.from(JSON.stringify(reviewDocument({ operation: 'UPDATE', object, oldObject }))));
    const version = (resourceVersion: string, log: string): JsonObject => ({
      ...configMap({ level: 'info' }, { resourceVersion, managedFields: [{ manager: 'a', time: 't' }] }),
      other: { log },
    });
    const first = read(version('1', 'on'), version('1', 'off'));
    const second = read(version('2', 'full'), version('2', 'on'));
    const bodies = [first.object, first.oldObject, second.object, second.oldObject].map((seen) => seen?.body);
    for (const body of bodies) {
      assert.equal(body?.data, bodies[0]?.data);
      assert.equal(body?.metadata, bodies[0]?.metadata);
    }
    assert.equal(bodies[3]?.other, bodies[0]?.other);
    assert.deepEqual(
      [second.object?.resourceVersion, second.object?.managedFields[0]],
      ['2', first.oldObject?.managedFields[0]],
    );
  });

  it('keeps nothing of a confidential type', () => {
    const reader = newReader();
    const secret = JSON.stringify(reviewDocument({ resource: 'secrets', kind: 'Secret' }));
    const [first, second] = [reader.read(Buffer.from(secret)), reader.read(Buffer.from(secret))];
    assert.deepEqual(first.object?.body.data, second.object?.body.data);
    assert.notEqual(first.object?.body.data, second.object?.body.data);
  });
});

describe('an event of a watch that is read by its parts', () => {
  const events = shopLines('watch.ndjson.gz').map((line) => JSON.stringify((JSON.parse(line) as JsonObject).event));
  const CONFIG_MAPS = { group: '', version: 'v1', resource: 'configmaps', kind: 'ConfigMap' };
  const typeOf = (text: string): typeof CONFIG_MAPS => {
    const { object } = JSON.parse(text) as JsonObject;
    return isObject(object) ? servedTypeOf(object) : CONFIG_MAPS;
  };
  /** With its text, so that the order of keys counts; of an entry of managedFields what it tells. */
  const plain = ({ type, object, shown }: WatchEvent): unknown => {
    const { resourceVersion, body, managedFields } = readShown(shown);
    assert.equal(resourceVersion, shown.resourceVersion);
    const managers = managedFields.map(({ manager, time }) => ({ manager, time }));
    return [type, object, JSON.stringify({ resourceVersion, body, managers })];
  };

  /** Returns whether it was read by its parts. */
  function requireSameEvent(reader: ReviewReader, text: string, type = CONFIG_MAPS): boolean {
    const event = reader.readEvent(Buffer.from(text), type);
    if (event === null) return false;
    let whole: JsonObject;
    try {
      whole = parseJson(text) as JsonObject;
    } catch (error) {
      // Its beginning does not tell.
      assert.ok(error instanceof KubeblameError);
      const { code, message } = error;
      assert.throws(() => readShown(event.shown), { code, message });
      return false;
    }
    assert.ok(isObject(whole.object));
    const expected = {
      type: typeof whole.type === 'string' ? whole.type : '',
      object: refOf(whole.object, type),
      shown: normalise(whole.object),
    };
    assert.deepEqual(plain(event), plain(expected), text);
    return true;
  }

  it('is what parsing all of it gives: all but bookmarks of the recording', () => {
    const reader = newReader();
    for (const text of events) {
      const { type } = JSON.parse(text) as JsonObject;
      assert.equal(requireSameEvent(reader, text, typeOf(text)), type !== 'BOOKMARK' && type !== 'ERROR', text);
    }
  });

  it('is what parsing all of it gives, or left to that: mutations', () => {
    const reader = newReader();
    const random = seeded(SEED);
    for (let n = 0; n < 1_500; n++) {
      const text = events[Math.floor(random() * events.length)] ?? '';
      requireSameEvent(reader, Buffer.from(mutate(text, events, random)).toString(), typeOf(text));
    }
  });

  for (const [what, text] of [
    ['tells of an error', '{"type":"ERROR","object":{"kind":"Status","code":410}}'],
    ['is a bookmark', '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7"}}}'],
    ['names its type last', '{"object":{"metadata":{"name":"a"}},"type":"ADDED"}'],
    ['has white space', '{"type": "ADDED", "object": {}}'],
    ['is cut off', '{"type":"ADDED","object":{"metadata":{"name":"a"'],
    ['has no version', '{"type":"ADDED","object":{"metadata":{"name":"a"}}}'],
    ['is a list', '[]'],
  ] as const) {
    it(`and ${what}: left to that`, () => {
      assert.equal(newReader().readEvent(Buffer.from(text), CONFIG_MAPS), null);
    });
  }

  const named = '"metadata":{"name":"a","resourceVersion":"1"}';
  for (const [what, text, code] of [
    ['has its object twice', `{"type":"ADDED","object":{${named}},"object":{${named}}}`, 'json-duplicate-key'],
    ['has a second document behind it', `{"type":"ADDED","object":{${named}}}{}`, 'json-invalid'],
    ['is not JSON', `{"type":"ADDED","object":{${named},"data":{"a":tru}}}`, 'json-invalid'],
  ] as const) {
    it(`and ${what}: refused when it is read`, () => {
      const event = newReader().readEvent(Buffer.from(text), CONFIG_MAPS);
      assert.ok(event !== null);
      assert.throws(() => readShown(event.shown), { code });
    });
  }

  it('shares what it has in common with the review of the same change', () => {
    const reader = newReader();
    const shown = (resourceVersion: string): JsonObject => configMap({ level: 'info' }, { resourceVersion });
    const document = reviewDocument({ operation: 'UPDATE', object: shown('1'), oldObject: shown('1') });
    const review = reader.read(Buffer.from(JSON.stringify(document)));
    const event = reader.readEvent(Buffer.from(JSON.stringify({ type: 'MODIFIED', object: shown('2') })), CONFIG_MAPS);
    assert.ok(event !== null);
    const seen = readShown(event.shown);
    assert.equal(seen.resourceVersion, '2');
    assert.equal(seen.body.data, review.object?.body.data);
    assert.equal(seen.body.metadata, review.object?.body.metadata);
  });

  it('shares it also where the review is read after the event came, and before its turn', () => {
    const reader = newReader();
    const shown = (resourceVersion: string): JsonObject => configMap({ level: 'info' }, { resourceVersion });
    const event = reader.readEvent(Buffer.from(JSON.stringify({ type: 'MODIFIED', object: shown('2') })), CONFIG_MAPS);
    assert.ok(event !== null);
    const document = reviewDocument({ operation: 'UPDATE', object: shown('1'), oldObject: shown('1') });
    const review = reader.read(Buffer.from(JSON.stringify(document)));
    assert.equal(readShown(event.shown).body.data, review.object?.body.data);
    assert.equal(readShown(event.shown), readShown(event.shown));
  });

  it('keeps nothing of a confidential type', () => {
    const reader = newReader();
    const text = Buffer.from(
      '{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"1"},"data":{"a":"b"}}}',
    );
    const secrets = { group: '', version: 'v1', resource: 'secrets', kind: 'Secret' };
    const [first, second] = [reader.readEvent(text, secrets), reader.readEvent(text, secrets)];
    assert.ok(first !== null && second !== null);
    assert.deepEqual(readShown(first.shown).body.data, { a: 'b' });
    assert.notEqual(readShown(first.shown).body.data, readShown(second.shown).body.data);
  });
});
