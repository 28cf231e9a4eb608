/** Why a push is not taken. */
export type RefusalKind =
  /** Something of it is not as it was recorded: HTTP 422. */
  | 'unproven'
  /** The hub's head is another one: HTTP 409. */
  | 'conflict'
  /** The ledger has other commits than those that the hub holds: HTTP 409. */
  | 'forked';

/** Where the hub stands with a ledger. */
export interface Head {
  commit: number;
  /** Of the chain up to there; in base64. */
  hash: string;
}

/** A push that is refused. Nothing of it was taken. */
export class Refusal extends Error {
  constructor(
    readonly kind: RefusalKind,
    message: string,
    readonly head: Head | null = null,
  ) {
    super(message);
    this.name = 'Refusal';
  }
}

export function unproven(where: string, what: string): Refusal {
  return new Refusal('unproven', `${where}: ${what}`);
}
