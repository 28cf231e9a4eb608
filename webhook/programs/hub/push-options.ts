import { Option } from 'commander';
import { KubeblameError } from '../../../shared/errors.ts';
import type { HubTarget } from '../../ledger/push/hub-client.ts';
import { readHold, type HubHold } from '../../ledger/push/shipping.ts';

/*
 * Options about the hub that a ledger is pushed to.
 */

export function pushOptions(): Option[] {
  return [
    new Option('--hub <url>', 'hub to push the ledger to, an https:// URL (docs/hub.md; default: none)').env(
      'KUBEBLAME_HUB',
    ),
    new Option('--hub-token-file <file>', 'token that `kubeblame-hub enrol` printed; read again for each push').env(
      'KUBEBLAME_HUB_TOKEN_FILE',
    ),
    new Option('--hub-ca <file>', "CA of the hub's certificate, PEM (default: those that the system trusts)").env(
      'KUBEBLAME_HUB_CA',
    ),
    new Option(
      '--hub-hold <age or size>',
      'what the hub has not got is not folded until it is so old, or the ledger so large (default: 7d)',
    ).env('KUBEBLAME_HUB_HOLD'),
  ];
}

/** Values of the options above, as commander gives them. */
export interface RawPushOptions {
  hub?: string;
  hubTokenFile?: string;
  hubCa?: string;
  hubHold?: string;
}

export interface PushConfig {
  target: HubTarget;
  hold: HubHold;
}

/** null where there is no hub. Throws config-invalid. */
export function pushConfig({ hub, hubTokenFile, hubCa, hubHold }: RawPushOptions): PushConfig | null {
  const invalid = (option: string, what: string): KubeblameError =>
    new KubeblameError('config-invalid', `${option}: ${what}`);
  if (hub === undefined) {
    if (hubTokenFile !== undefined || hubCa !== undefined || hubHold !== undefined)
      throw invalid(
        '--hub (KUBEBLAME_HUB)',
        'it is not given, and --hub-token-file, --hub-ca or --hub-hold are for it alone',
      );
    return null;
  }
  // What is sent names who did what.
  if (!URL.canParse(hub) || new URL(hub).protocol !== 'https:')
    throw invalid('--hub (KUBEBLAME_HUB)', `"${hub}" is not an https:// URL`);
  if (hubTokenFile === undefined)
    throw invalid(
      '--hub-token-file (KUBEBLAME_HUB_TOKEN_FILE)',
      '--hub needs the token that `kubeblame-hub enrol` printed',
    );
  return { target: { url: hub, tokenFile: hubTokenFile, caFile: hubCa ?? null }, hold: readHold(hubHold ?? '7d') };
}
