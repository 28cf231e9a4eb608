import { qualifiedName } from '../../../../shared/resource-types.ts';
import type {
  Actor,
  ApplicationPage,
  ApplicationQuery,
  BlamePage,
  BlameQuery,
  ChangePage,
  ChangeQuery,
  CoverageInterval,
  Denied,
  DifferencePage,
  DifferenceQuery,
  FactsPage,
  GraphPage,
  GraphQuery,
  ImpactPage,
  ImpactQuery,
  KnownObject,
  LedgerInfo,
  LedgerReader,
  ResourceType,
  Scope,
  StatePage,
  StateQuery,
  UserPage,
  UserQuery,
} from '../../../../shared/types.ts';
import { StoreReader } from '../../questions/reader.ts';
import type { LedgerStore } from '../../../ledger/port/port.ts';
import { RestrictedStore } from './restricted-store.ts';
import type { Rights } from './access-reviews.ts';
import { FULL_SIGHT, NO_SIGHT, readsEverything, sightOf } from './sight.ts';

/**
 * Answers one user: every question is put to the ledger as that user sees it. All methods reject with forbidden where
 * the user may read no history in the scope, and with access-unknown where the API server does not tell.
 */
export class AuthorisedReader implements LedgerReader {
  constructor(
    private readonly user: Actor,
    private readonly rights: Rights,
    private readonly store: LedgerStore,
    private readonly now: () => number,
    private readonly closing: AbortSignal,
  ) {}

  /** How much is in the ledger, and when it was last written to, is for those who may read all of it. */
  async info(): Promise<LedgerInfo> {
    const everything = await readsEverything(this.user, this.rights, this.store);
    const info = await new StoreReader(this.store, this.now).info();
    return everything ? info : { ...info, changes: null, lastAt: null };
  }

  async resources(): Promise<ResourceType[]> {
    return (await this.see({})).reader.resources();
  }

  async objects(scope: Scope, limit: number): Promise<KnownObject[]> {
    return (await this.see(scope)).reader.objects(scope, limit);
  }

  async changes(query: ChangeQuery): Promise<ChangePage> {
    // What led to a change is of other types than it.
    const { reader, deniedWithActs } = await this.see(query.scope, query.causes === true);
    return { ...(await reader.changes(query)), ...deniedWithActs };
  }

  async users(query: UserQuery): Promise<UserPage> {
    const { reader, deniedWithActs } = await this.see(query.scope);
    return { ...(await reader.users(query)), ...deniedWithActs };
  }

  async states(query: StateQuery): Promise<StatePage> {
    const { reader, denied } = await this.see(query.scope);
    return { ...(await reader.states(query)), ...denied };
  }

  async differences(query: DifferenceQuery): Promise<DifferencePage> {
    const { reader, denied } = await this.see(query.scope);
    return { ...(await reader.differences(query)), ...denied };
  }

  async blame(query: BlameQuery): Promise<BlamePage> {
    const { reader, denied } = await this.see(query.scope, true);
    return { ...(await reader.blame(query)), ...denied };
  }

  /** What depends on what is of all types. */
  async graph(query: GraphQuery): Promise<GraphPage> {
    const { reader, denied } = await this.see({});
    return { ...(await reader.graph(query)), ...denied };
  }

  /** As states are, what the question is about is named, whether it exists or not. */
  async impact(query: ImpactQuery): Promise<ImpactPage> {
    const { reader, denied } = await this.see({});
    return { ...(await reader.impact(query)), ...denied };
  }

  /** Of what the user may read: a rule or a workload that they may not read says nothing. */
  async applications(query: ApplicationQuery): Promise<ApplicationPage> {
    const { reader, denied } = await this.see({});
    return { ...(await reader.applications(query)), ...denied };
  }

  async facts(query: GraphQuery): Promise<FactsPage> {
    const { reader, denied } = await this.see({});
    return { ...(await reader.facts(query)), ...denied };
  }

  /** Without the reasons for those who may not read everything: RestrictedStore. */
  async coverage(): Promise<CoverageInterval[]> {
    const everything = await readsEverything(this.user, this.rights, this.store);
    const sight = everything ? FULL_SIGHT : NO_SIGHT;
    return new StoreReader(new RestrictedStore(this.store, sight), this.now).coverage();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** `widely`: the answer may also hold what is of other types than the scope's. States and lines have no acts. */
  private async see(
    scope: Scope,
    widely = false,
  ): Promise<{ reader: StoreReader; denied: { denied?: Denied }; deniedWithActs: { denied?: Denied } }> {
    const { type, of, ...anyType } = scope;
    // What belongs to an application is told by objects of all types, in all namespaces.
    const around = of !== undefined ? {} : widely ? anyType : scope;
    const seen = await sightOf(this.user, around, this.rights, this.store);
    // What is asked about is not looked for where none of it could be seen: the time would tell.
    const sight = type !== undefined && !seen.somewhere(type) ? { ...seen, nothing: true } : seen;
    const told = (names: readonly string[]): { denied?: Denied } => {
      const denied = names.filter((name) => type === undefined || name.split('/')[0] === qualifiedName(type)).sort();
      return denied.length === 0 ? {} : { denied };
    };
    return {
      reader: new StoreReader(new RestrictedStore(this.store, sight), this.now, this.closing),
      denied: told(sight.denied),
      deniedWithActs: told([...sight.denied, ...sight.deniedActs]),
    };
  }
}
