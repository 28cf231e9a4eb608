import { metadataText } from './normalise.ts';
import { KNOWN_PATTERNS, Patterns, type PatternOptions } from './redact-patterns.ts';
import { ValueRedactor } from './redact-values.ts';
import type { RedactionRule } from './redaction-rules.ts';
import type { JsonObject, ResourceType } from './types.ts';

type Type = Pick<ResourceType, 'group' | 'resource'>;

/** Replaces everything that must not be recorded: values that rules name, and passwords that a pattern finds. */
export class Redactor extends ValueRedactor {
  private readonly patterns: Patterns;

  /** See ValueRedactor. `patterns`: checked by parsePattern. */
  constructor(key: Uint8Array, rules: readonly RedactionRule[] = [], patterns: PatternOptions = KNOWN_PATTERNS) {
    super(key, rules);
    this.patterns = new Patterns(patterns);
  }

  /** True if a pattern may match in the text of a review. */
  mayMatch(type: Type, text: Buffer): boolean {
    return this.patterns.mayHold(type, text);
  }

  /**
   * The body with its confidential values replaced (see redactValues), and passwords that a pattern finds; the same body if it
   * has none. `namespace`: see redactMatches.
   */
  redact(body: JsonObject, type: Type, other: JsonObject | null = null, namespace?: string): JsonObject {
    return this.redactMatches(this.redactValues(body, type, other), namespace);
  }

  /**
   * The body without passwords that a pattern finds. Their tags depend on the namespace, not on the object: a password in the template
   * of a Deployment must look the same in its ReplicaSets and pods. `namespace`: needed for acts, whose options do not name it.
   */
  redactMatches(body: JsonObject, namespace = metadataText(body, 'namespace')): JsonObject {
    return this.patterns.redact(body, (secret) => this.tag(secret, `pattern/${namespace}`));
  }
}
