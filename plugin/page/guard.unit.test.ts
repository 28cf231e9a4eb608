import assert from 'node:assert/strict';
import { refusalOf, SAFE_HEADERS, TOKEN_HEADER } from './guard.ts';

const HOST = '127.0.0.1:4711';
const TOKEN = 'the-token';

/** A question of the page itself, but for what is given; null leaves a header out. */
function refused(
  more: Record<string, string | null> = {},
  method = 'GET',
  token: string | null = TOKEN,
): number | null {
  const headers: Record<string, string | null> = {
    host: HOST,
    'sec-fetch-site': 'same-origin',
    [TOKEN_HEADER]: TOKEN,
    ...more,
  };
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== null)) as Record<
    string,
    string
  >;
  return refusalOf({ method, headers: given }, { host: HOST, token })?.status ?? null;
}

describe('the server of the page', () => {
  it('answers the page itself, and a program that has the key', () => {
    assert.equal(refused(), null);
    assert.equal(refused({ 'sec-fetch-site': null }), null);
  });

  it('gives its own files to whoever types or follows the address, without a key', () => {
    for (const site of ['none', 'same-origin', null]) assert.equal(refused({ 'sec-fetch-site': site, [TOKEN_HEADER]: null }, 'GET', null), null, String(site)); // prettier-ignore
    for (const site of ['cross-site', 'same-site', 'odd'])
      assert.equal(refused({ 'sec-fetch-site': site }, 'GET', null), 403, site);
  });

  it('refuses another host, to which somebody else may have let a name point', () => {
    for (const host of [
      'evil.example:4711',
      'localhost:4711',
      '127.0.0.1',
      '127.0.0.1:4712',
      '127.0.0.1.evil.example:4711',
      '',
      null,
    ])
      assert.equal(refused({ host }), 421, String(host));
  });

  it('refuses what another page asks, with the key or without', () => {
    for (const site of ['cross-site', 'same-site', 'none', 'odd', ''])
      assert.equal(refused({ 'sec-fetch-site': site }), 403, site);
  });

  it('refuses another user of this machine, who has no key', () => {
    for (const key of [null, '', 'the-tokem', 'the-token2', 'the-toke', '\u0000'.repeat(9)])
      assert.equal(refused({ [TOKEN_HEADER]: key, 'sec-fetch-site': null }), 401, String(key));
  });

  it('refuses all methods but GET', () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'CONNECT'])
      assert.equal(refused({}, method), 405, method);
  });

  it('lets nothing run, load or frame but its own files', () => {
    const policy = SAFE_HEADERS['Content-Security-Policy'] ?? '';
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "connect-src 'self'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ])
      // prettier-ignore
      assert.ok(policy.split('; ').includes(rule), rule);
    assert.doesNotMatch(policy, /unsafe|\*|https?:|data:/);
  });
});
