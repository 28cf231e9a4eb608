import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { KubeblameError, messageOf } from '../../../../shared/errors.ts';
import { isObject } from '../../../../shared/json.ts';
import type { Actor, JsonObject } from '../../../../shared/types.ts';

/** What asks the API server. Rejects with whatever the request failed with. */
export interface ReviewClient {
  post(path: string, body: JsonObject, signal: AbortSignal): Promise<JsonObject>;
}

/** The audience that a token for Kubeblame must have: one for the API server is of no use here, and the reverse. */
export const AUDIENCE = 'kubeblame';

/** How long an answer holds: a right or token that is withdrawn works on for so long at most. */
export const REVIEW_TTL_MS = 10_000;
const MAX_REMEMBERED = 20_000;
const TIMEOUT_MS = 5_000;
/** Questions under way at once: a flood of made-up tokens must not become one on the API server. */
const MAX_IN_FLIGHT = 64;

const TOKEN_REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';
const ACCESS_REVIEWS = '/apis/authorization.k8s.io/v1/subjectaccessreviews';

/**
 * What somebody wants to do. `namespace` '' is the whole cluster; `group` and `resource` may be `*`: really all. `resource` may have a
 * subresource: `pods/exec`.
 */
export interface Attributes {
  verb: string;
  group: string;
  resource: string;
  namespace: string;
}

/** What users may do. */
export interface Rights {
  /** Whether the user may. Rejects with access-unknown. */
  may(user: Actor, attributes: Attributes): Promise<boolean>;
}

/** Asks the API server who a token belongs to, and what a user may do. Answers are remembered for seconds. */
export class AccessReviews implements Rights {
  private readonly tokens: LRUCache<string, Promise<Actor | null>>;
  private readonly rights: LRUCache<string, Promise<boolean>>;
  private inFlight = 0;

  constructor(
    private readonly client: ReviewClient,
    ttlMs = REVIEW_TTL_MS,
  ) {
    this.tokens = new LRUCache({ max: MAX_REMEMBERED, ttl: ttlMs });
    this.rights = new LRUCache({ max: MAX_REMEMBERED, ttl: ttlMs });
  }

  /** Whom the token belongs to; null where it is not valid for this audience. Rejects with access-unknown. */
  userOf(token: string): Promise<Actor | null> {
    // By digest: a token must not lie about in memory.
    const key = createHash('sha256').update(token).digest('base64');
    return remember(this.tokens, key, async () => {
      const status = await this.ask(TOKEN_REVIEWS, 'authentication.k8s.io/v1', 'TokenReview', {
        token,
        audiences: [AUDIENCE],
      });
      const { authenticated, audiences, user } = status;
      // An authenticator that knows no audiences names none: such a token is one for the API server.
      const meant = Array.isArray(audiences) && audiences.includes(AUDIENCE);
      return authenticated === true && meant && user !== undefined ? actorOf(user) : null;
    });
  }

  /** Whether the user may. Rejects with access-unknown. */
  may(user: Actor, { verb, group, resource, namespace }: Attributes): Promise<boolean> {
    const { username, uid, groups, extra } = user;
    const key = JSON.stringify([username, uid, groups, extra, verb, group, resource, namespace]);
    const [name = '', subresource] = resource.split('/');
    return remember(this.rights, key, async () => {
      const status = await this.ask(ACCESS_REVIEWS, 'authorization.k8s.io/v1', 'SubjectAccessReview', {
        user: username,
        groups,
        ...(uid === undefined ? {} : { uid }),
        ...(extra === undefined ? {} : { extra }),
        resourceAttributes: {
          ...{ verb, group, resource: name },
          ...(subresource === undefined ? {} : { subresource }),
          ...(namespace === '' ? {} : { namespace }),
        },
      });
      return status.allowed === true && status.denied !== true;
    });
  }

  private async ask(path: string, apiVersion: string, kind: string, spec: JsonObject): Promise<JsonObject> {
    if (this.inFlight >= MAX_IN_FLIGHT) throw new KubeblameError('overloaded', 'too many callers are being checked');
    this.inFlight++;
    try {
      const answer = await this.client.post(path, { apiVersion, kind, spec }, AbortSignal.timeout(TIMEOUT_MS));
      return answer.status !== undefined && isObject(answer.status) ? answer.status : {};
    } catch (error) {
      throw new KubeblameError(
        'access-unknown',
        'the API server does not tell who may read',
        `the server's log has the reason: it must be allowed to create ${kind}s`,
        { cause: new Error(messageOf(error), { cause: error }) },
      );
    } finally {
      this.inFlight--;
    }
  }
}

/** Shares the question between those who ask at once; a failure is not remembered. */
function remember<T>(cache: LRUCache<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const answer = ask();
  cache.set(key, answer);
  answer.catch(() => cache.delete(key));
  return answer;
}

function actorOf(user: JsonObject[string]): Actor | null {
  if (!isObject(user) || typeof user.username !== 'string' || user.username === '') return null;
  const { uid, groups, extra } = user;
  return {
    username: user.username,
    groups: textsOf(groups),
    ...(typeof uid === 'string' && uid !== '' ? { uid } : {}),
    ...(extra !== undefined && isObject(extra)
      ? { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, textsOf(values)])) }
      : {}),
  };
}

function textsOf(value: JsonObject[string] | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
