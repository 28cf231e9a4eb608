import { isUtf8 } from 'node:buffer';
import { KubeblameError } from '../../../shared/errors.ts';
import { parseJson } from '../../../shared/json.ts';
import type { Json } from '../../../shared/types.ts';

/** The JSON of a request's body. Throws KubeblameError json-*. */
export function documentOf(body: Buffer): Json {
  if (!isUtf8(body)) throw new KubeblameError('json-invalid', 'the body is not UTF-8 text');
  return parseJson(body.toString());
}
