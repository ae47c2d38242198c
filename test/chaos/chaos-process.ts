/**
 * One process of a chaos run: `tsx chaos-process.ts <settings as JSON>`. A worker of agents, or the projection. Says on standard
 * error when it is in its group, ends well on SIGTERM, and by itself when whoever started it is gone.
 */
import { register } from 'node:module';
import { z } from 'zod';
import { PLANTS } from './plants/plants.ts';

const settingsSchema = z.object({
  role: z.enum(['worker', 'projection']),
  name: z.string(),
  /** host:port */
  broker: z.string(),
  /** Base URL of the registry's API. */
  registry: z.string(),
  /** Base URL. */
  outside: z.string(),
  sessionTimeoutMs: z.number(),
  plant: z.string().nullable(),
});
export type ChaosProcessSettings = z.infer<typeof settingsSchema>;

const GRACE_MS = 2_000;
const settings = settingsSchema.parse(JSON.parse(process.argv[2] ?? ''));
const plant = settings.plant === null ? undefined : PLANTS[settings.plant];

if (plant?.replaces && settings.role === 'worker') {
  const by = new URL(`plants/${plant.replaces.by}`, import.meta.url).href;
  register('./plants/replace-module.mjs', import.meta.url, { data: { module: plant.replaces.module, by } });
}

const { runProjection, runWorker } = await import('./chaos-roles.ts');
const stop = await (settings.role === 'worker' ? runWorker(settings, plant) : runProjection(settings));

const end = (): void => {
  void stop(GRACE_MS).finally(() => process.exit(0));
};
process.once('SIGTERM', end);
// Its other end is closed when whoever started this process dies.
process.stdin.resume().once('end', () => process.exit(1));
console.error(`${settings.name} is in the group`);
