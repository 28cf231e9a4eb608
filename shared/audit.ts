import type { Actor } from './types.ts';

/** How much of a request the audit policy let the API server log. */
export const AUDIT_LEVELS = ['Metadata', 'Request', 'RequestResponse'] as const;
export type AuditLevel = (typeof AUDIT_LEVELS)[number];

/** What the API server's audit log tells of a request, besides what became of the object. */
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
  /** Of a request that was refused: why, as the answer's Status says it. */
  reason?: string;
  message?: string;
  /** In whose name it was made. */
  user: Actor;
  /** Who made it, where that was done in another's name (kubectl --as). */
  impersonator?: Actor;
  /** The client's address, and those of proxies behind it, as the client and the proxies tell them; the last one is the connection's. */
  sourceIPs: string[];
  userAgent: string;
}
