import type { WebhookOptions } from './configuration.ts';

/** What the server keeps in the cluster about itself. */
export interface Registration {
  /** Of the Services and the Secrets. */
  namespace: string;
  service: string;
  servicePort: number;
  /** Holds the certificates and the secret of the webhook's path. */
  secret: string;
  /** PEM file of the CA that issued the certificate of --tls-cert; null: the server makes its certificate itself. */
  tlsCa: string | null;
  /** Service of the gateways; null: the native API is not to be registered. */
  gatewayService: string | null;
  /** Holds the certificates of the gateways. */
  gatewaySecret: string;
  webhook: WebhookOptions;
  timing: RegistrationTiming;
}

export interface RegistrationTiming {
  /** How often the cluster is compared with what it should be: a change is repaired within this time. */
  everyMs: number;
  /**
   * How long two generations of certificates overlap. API servers learn of a new bundle in a second, others (the kubelet,
   * for a Secret that is mounted) in two minutes.
   */
  overlapMs: number;
}

export const REGISTRATION_TIMING: RegistrationTiming = { everyMs: 5_000, overlapMs: 600_000 };
