/** What a process of a chaos run is started with, as JSON on its command line. */
import { z } from 'zod';

export const chaosSettingsSchema = z.object({
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
export type ChaosProcessSettings = z.infer<typeof chaosSettingsSchema>;
