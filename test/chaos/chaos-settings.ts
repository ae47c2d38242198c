/** What a process of a chaos run is started with, as JSON on its command line. */
import { z } from 'zod';

export const chaosSettingsSchema = z.object({
  role: z.enum(['worker', 'projection', 'gateway']),
  name: z.string(),
  /** host:port */
  broker: z.string(),
  /** Base URL of the registry's API. */
  registry: z.string(),
  /** redis://host:port */
  redis: z.string(),
  /** Base URL. */
  outside: z.string(),
  /** Where the gateway listens; null of any other. */
  port: z.number().nullable(),
  /** Of the thrifty agent, exact decimal in US dollars. */
  dayUsd: z.string(),
  sessionTimeoutMs: z.number(),
  plant: z.string().nullable(),
});
export type ChaosProcessSettings = z.infer<typeof chaosSettingsSchema>;
