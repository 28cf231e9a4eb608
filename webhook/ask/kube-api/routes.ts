import { Router, type Request, type Response } from 'express';
import { NATIVE_API } from '../../../shared/api.ts';
import { KubeblameError } from '../../../shared/errors.ts';
import type { Change, ChangeQuery, JsonObject, LedgerReader } from '../../../shared/types.ts';
import { changeDocument, coverageDocument, listDocument, stateDocument, type ListFacts } from './answers/documents.ts';
import { changeOptions, isWatch, objectOf, oneChange, stateOptions, watchOptions } from './requests/list-options.ts';
import { sendJson } from './answers/status.ts';
import { changeTable, coverageTable, stateTable, type Include } from './answers/table.ts';
import { streamChanges } from './watch.ts';

const { path: PATH } = NATIVE_API;

export interface NativeApi {
  /** The ledger as the caller of a request may read it. */
  readerOf: (response: Response) => LedgerReader;
  lastSeq: () => Promise<number>;
  /** ms */
  now: () => number;
  /** Aborted when the server stops: watches end. */
  closing: AbortSignal;
}

/** The resources of kubeblame.io/v1alpha1, for callers who are known already. */
export function nativeApi(api: NativeApi): Router {
  const router = Router();
  for (const base of ['', '/namespaces/:namespace']) {
    router.get(`${PATH}${base}/changes`, (request, response) => listChanges(request, response, api));
    router.get(`${PATH}${base}/changes/:name`, (request, response) => getChange(request, response, api));
    router.get(`${PATH}${base}/states`, (request, response) => listStates(request, response, api));
    router.get(`${PATH}${base}/states/:name`, (request, response) => getState(request, response, api));
  }
  router.get(`${PATH}/coverage`, async (request, response) => {
    const form = formOf(request);
    const intervals = await api.readerOf(response).coverage();
    const facts = { version: await api.lastSeq() };
    sendJson(
      response,
      form === null
        ? listDocument('CoverageInterval', intervals.map(coverageDocument), facts)
        : coverageTable(intervals, facts, form),
    );
  });
  return router;
}

async function listChanges(request: Request, response: Response, api: NativeApi): Promise<void> {
  const [search, reader, form] = [searchOf(request), api.readerOf(response), formOf(request)];
  const query = await changeOptions(search, namespaceOf(request), () => reader.resources());
  const types = form === null ? [] : await reader.resources();
  // Before the list: a watch from here misses nothing, and repeats what came in between.
  const version = await api.lastSeq();
  if (isWatch(search)) {
    const render = (change: Change, first: boolean): JsonObject => {
      if (form === null) return changeDocument(change);
      const rows = changeTable([change], { version: change.seq }, form, api.now(), types);
      return first ? rows : { ...rows, columnDefinitions: [] };
    };
    const { lastSeq, closing } = api;
    await streamChanges(response, { reader, query, options: watchOptions(search), render, lastSeq, closing });
    return;
  }
  const page = await reader.changes(query);
  const facts: ListFacts = {
    version,
    next: page.next === null ? null : String(page.next),
    ...(page.denied === undefined ? {} : { denied: page.denied }),
  };
  sendJson(
    response,
    form === null
      ? listDocument('Change', page.changes.map(changeDocument), facts)
      : changeTable(page.changes, facts, form, api.now(), types),
  );
}

async function getChange(request: Request, response: Response, api: NativeApi): Promise<void> {
  const [reader, form, namespace, name] = [
    api.readerOf(response),
    formOf(request),
    namespaceOf(request),
    nameOf(request),
  ];
  const scope = namespace === null ? {} : { namespace };
  const query: ChangeQuery = { scope, limit: 1, bodies: true, ...oneChange(name) };
  const [change] = (await reader.changes(query)).changes;
  if (change === undefined) throw absent('changes', name);
  const facts = { version: change.seq };
  if (form === null) sendJson(response, changeDocument(change));
  else sendJson(response, changeTable([change], facts, form, api.now(), await reader.resources()));
}

async function listStates(request: Request, response: Response, api: NativeApi): Promise<void> {
  const [search, reader, form] = [searchOf(request), api.readerOf(response), formOf(request)];
  const query = await stateOptions(search, namespaceOf(request), () => reader.resources(), api.now());
  const version = await api.lastSeq();
  const { states, next, denied } = await reader.states(query);
  const facts: ListFacts = { version, next, ...(denied === undefined ? {} : { denied }) };
  sendJson(
    response,
    form === null
      ? listDocument(
          'State',
          states.map((state) => stateDocument(state, query.at)),
          facts,
        )
      : stateTable(states, query.at, facts, form),
  );
}

async function getState(request: Request, response: Response, api: NativeApi): Promise<void> {
  const [reader, form, namespace, name] = [
    api.readerOf(response),
    formOf(request),
    namespaceOf(request),
    nameOf(request),
  ];
  const object = await objectOf(name, () => reader.resources());
  const scope = { ...object, ...(namespace === null ? {} : { namespace }) };
  const at = api.now();
  // Several incarnations of a name do not exist at once.
  const [state] = (await reader.states({ scope, at, limit: 1 })).states;
  if (state === undefined) throw absent('states', name);
  sendJson(response, form === null ? stateDocument(state, at) : stateTable([state], at, { version: state.seq }, form));
}

/** The same whether it is not there or not theirs. */
function absent(resource: string, name: string): KubeblameError {
  return new KubeblameError('not-found', `${resource}.${NATIVE_API.group} ${JSON.stringify(name)} not found`);
}

function namespaceOf({ params }: Request): string | null {
  const { namespace } = params;
  return typeof namespace === 'string' ? namespace : null;
}

function nameOf({ params }: Request): string {
  const { name } = params;
  return typeof name === 'string' ? name : '';
}

function searchOf(request: Request): URLSearchParams {
  return new URL(request.originalUrl, 'https://server').searchParams;
}

/** What rows of a Table hold; null where the client wants plain JSON. Throws not-acceptable where it takes neither. */
function formOf(request: Request): Include | null {
  for (const range of (request.get('accept') ?? '*/*').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    if (!['application/json', 'application/*', '*/*'].includes(type)) continue;
    const has = (parameter: string): boolean => parameters.includes(parameter);
    const as = parameters.find((parameter) => parameter.startsWith('as='));
    if (as === undefined) return null;
    if (as === 'as=Table' && has('v=v1') && has('g=meta.k8s.io')) return includeOf(searchOf(request));
  }
  throw new KubeblameError('not-acceptable', 'only JSON is offered, plain or as a Table of meta.k8s.io/v1');
}

function includeOf(search: URLSearchParams): Include {
  const include = search.get('includeObject') ?? '';
  return include === 'Object' || include === 'None' ? include : 'Metadata';
}
