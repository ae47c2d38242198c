/**
 * One process of a chaos run: `chaos-process.ts <settings as JSON>`. A worker of agents, the projection, or the gateway. Says
 * on standard error when it is in its group, ends well on SIGTERM, and by itself when whoever started it is gone.
 */
import { register } from 'node:module';
import { chaosSettingsSchema } from './chaos-settings.ts';
import { PLANTS } from './plants/plants.ts';

const GRACE_MS = 2_000;
const settings = chaosSettingsSchema.parse(JSON.parse(process.argv[2] ?? ''));
const named = settings.plant === null ? undefined : PLANTS[settings.plant];
const plant = named?.role === settings.role ? named : undefined;

if (plant?.replaces) {
  const by = new URL(`plants/${plant.replaces.by}`, import.meta.url).href;
  register('./plants/replace-module.mjs', import.meta.url, { data: { module: plant.replaces.module, by } });
}

const { ROLES } = await import('./chaos-roles.ts');
const stop = await ROLES[settings.role](settings, plant);

const end = (): void => {
  void stop(GRACE_MS).finally(() => process.exit(0));
};
process.once('SIGTERM', end);
// Its other end is closed when whoever started this process dies.
process.stdin.resume().once('end', () => process.exit(1));
console.error(`${settings.name} is in the group`);
