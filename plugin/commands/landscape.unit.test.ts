import assert from 'node:assert/strict';
import type { Graph } from '../../shared/landscape/types.ts';
import type { CoverageInterval, LedgerReader } from '../../shared/types.ts';
import { lackText } from '../views/node-name.ts';
import { PIPE } from '../testing/style.ts';
import type { Io } from '../io.ts';
import { namingOf } from './landscape.ts';

describe('what is not seen', () => {
  const secret = { group: '', resource: 'secrets', kind: 'Secret', namespace: 'shop', name: 'db', uid: '' };
  const edge = { relation: 'uses', certainty: 'declared', from: 0, to: 0, by: 0, field: 'spec', missing: 'object' } as const; // prettier-ignore
  const graph: Graph = { nodes: [{ is: 'object', object: secret, seen: false }], edges: [edge] };

  async function called(coverage: CoverageInterval[], denied?: string[]): Promise<string> {
    const reader = { coverage: () => Promise.resolve(coverage) } as unknown as LedgerReader;
    const asked = { at: 50, ...(denied === undefined ? {} : { denied }) };
    return lackText(edge, await namingOf(graph, 0, asked, reader, { style: PIPE } as Io));
  }
  const recorded = { from: 0, to: 100, covered: true, cause: '' };

  it('is missing where recording worked at the moment', async () => {
    assert.equal(await called([recorded]), 'missing');
  });

  it('is not called missing where a gap lies, nor where nothing has recorded', async () => {
    const gap = [{ ...recorded, to: 40 }, { from: 40, to: 60, covered: false, cause: 'stopped' }, { ...recorded, from: 60 }]; // prettier-ignore
    assert.equal(await called(gap), 'not seen');
    assert.equal(await called([]), 'not seen');
  });

  it('is not called missing where the reader may not read its type', async () => {
    assert.equal(await called([recorded], ['secrets']), 'not seen');
    assert.equal(await called([recorded], ['deployments.apps']), 'missing');
  });
});
