/** The agents that come with Freshet: what a configuration lists beside its own. */
import type { AgentDefinition } from '../schemas/agent-definition.ts';
import { digest } from './digest/digest.ts';
import { support } from './support/support.ts';
import { triage } from './triage/triage.ts';

export const SAMPLE_AGENTS: readonly AgentDefinition[] = [support, triage, digest];
