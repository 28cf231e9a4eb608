import { Gauge, type Registry } from 'prom-client';
import { VERSION } from '../../../../shared/version.ts';

/*
 * What a standby has, too.
 */
export function addBuildInfo(registry: Registry): void {
  const help = 'Always 1; its label is the version.';
  const info = new Gauge({ name: 'kubeblame_build_info', help, labelNames: ['version'], registers: [registry] });
  info.set({ version: VERSION }, 1);
}

export function addLeaseHeld(registry: Registry, read: () => boolean): void {
  new Gauge({
    name: 'kubeblame_lease_held',
    help: 'Whether this server records: 1; 0 for a standby.',
    registers: [registry],
    collect() {
      this.set(Number(read()));
    },
  });
}
