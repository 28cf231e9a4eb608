import { belongingsOf } from '../../../../../shared/landscape/applications.ts';
import { rulesFor } from '../../../../../shared/landscape/recorded-rules.ts';
import { isSameTeam } from '../../../../../shared/landscape/teams.ts';
import type { Belonging } from '../../../../../shared/types.ts';
import type { Asked } from '../../asked.ts';
import { graphOf, objectFacts } from '../../landscape/landscape.ts';
import { states } from '../states.ts';
import type { Link } from './owners.ts';

/** Moments at which the whole landscape is looked at, at most. */
const MAX_LOOKS = 4;

interface Said {
  application: string | null;
  team: string | null;
}

/** Tells which application the objects of Events belonged to: as of the end of the time that is asked for, or of their own. */
export class EventBelongings {
  private readonly looks = new Map<number, Promise<ReadonlyMap<string, Said>>>();

  constructor(
    private readonly asked: Asked,
    /** The end of the time (ms). */
    private readonly end: number,
    private readonly of?: Belonging,
  ) {}

  /** Of an object, or of the nearest of its controllers of which it is said. */
  async saidOf(chain: readonly Link[], at: number): Promise<Said> {
    const nobody: Said = { application: null, team: null };
    for (const moment of [this.end, at]) {
      const look = await this.look(moment);
      for (const { object } of look === null ? [] : chain) {
        const said = look?.get(object.uid);
        if (said !== undefined && (said.application !== null || said.team !== null)) return said;
      }
    }
    return nobody;
  }

  /** True for what is of the application or team that is asked about. */
  async isWanted(chain: readonly Link[], at: number): Promise<boolean> {
    const { of } = this;
    if (of === undefined) return true;
    const { application, team } = await this.saidOf(chain, at);
    return 'team' in of ? team !== null && isSameTeam(team, of.team) : application === of.application;
  }

  /** null where too many moments were looked at already. */
  private look(at: number): Promise<ReadonlyMap<string, Said> | null> {
    const known = this.looks.get(at);
    if (known !== undefined) return known;
    if (this.looks.size >= MAX_LOOKS) return Promise.resolve(null);
    const looking = this.saidAt(at);
    this.looks.set(at, looking);
    return looking;
  }

  private async saidAt(at: number): Promise<ReadonlyMap<string, Said>> {
    const { asked } = this;
    const objects = await objectFacts(asked, at);
    const { rules } = await rulesFor(
      this.of ?? {},
      { at, now: asked.now() },
      { states: (query) => states(asked, query) },
    );
    return new Map(
      belongingsOf(objects, graphOf(objects), rules).map(({ object, application, team }) => [
        object.uid,
        { application: application?.value ?? null, team: team?.value ?? null },
      ]),
    );
  }
}
