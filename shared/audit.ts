import type { Actor } from './types.ts';

/** How much of a request the audit policy let the API server log. */
export const AUDIT_LEVELS = ['Metadata', 'Request', 'RequestResponse'] as const;
export type AuditLevel = (typeof AUDIT_LEVELS)[number];

/** What the API server's audit log says about a request, besides what happened to the object. */
export interface AuditRecord {
  /** The auditID: unique in a cluster. */
  id: string;
  level: AuditLevel;
  verb: string;
  /** When the request came, and when it was answered (ms). */
  receivedAt: number;
  answeredAt: number;
  /** The HTTP status of the answer. */
  code: number;
  /** If the request was refused: the reason, from the Status in the answer. */
  reason?: string;
  message?: string;
  /** The user that the request was made as. */
  user: Actor;
  /** The user who really sent it, if that user impersonated another one (kubectl --as). */
  impersonator?: Actor;
  /** The client's address and those of the proxies in between, as they were reported; only the last one, that of the connection, is certain. */
  sourceIPs: string[];
  userAgent: string;
}
