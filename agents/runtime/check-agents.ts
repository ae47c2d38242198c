/** What is refused at start rather than in the middle of a task. */

import type { LanguageModel } from '../../connectors/models/language/language-model.ts';
import { type AgentDefinition, DEFAULT_LIMITS } from '../../schemas/agent-definition.ts';
import { FreshetError, toError } from '../../schemas/errors.ts';
import { RETRIEVE } from '../../schemas/execution-payloads.ts';
import { parseUsd } from '../../schemas/money.ts';
import { RECALL } from '../../schemas/recollection.ts';
import { safetyPolicyOf } from '../../schemas/safety-policy.ts';
import { checkToolPolicies } from '../tools/tool-policy.ts';
import { modelToolOf } from './prompt.ts';

const invalid = (message: string, cause?: unknown): FreshetError =>
  new FreshetError('config-invalid', message, cause === undefined ? undefined : { cause });

/** Agents by name. Throws `config-invalid`. */
export const checkAgents = (agents: readonly AgentDefinition[]): ReadonlyMap<string, AgentDefinition> => {
  const byName = new Map<string, AgentDefinition>();
  for (const agent of agents) {
    if (byName.has(agent.name)) throw invalid(`there are two agents named ${agent.name}`);
    byName.set(agent.name, agent);
    checkAgent(agent, agent.name);
  }
  return byName;
};

/** Throws `config-invalid`. */
export const checkAgent = ({ limits, safety, tools = [] }: AgentDefinition, called: string): void => {
  try {
    parseUsd(limits?.maxUsd ?? DEFAULT_LIMITS.maxUsd);
  } catch (error) {
    throw invalid(`agent ${called}: limits.maxUsd: ${toError(error).message}`, error);
  }
  for (const [name, limit] of Object.entries(limits ?? {}))
    if (typeof limit === 'number' && !(Number.isFinite(limit) && limit >= 0))
      throw invalid(`agent ${called}: limits.${name} must be a number from 0, not ${limit}`);
  try {
    safetyPolicyOf(safety);
  } catch (error) {
    throw invalid(`agent ${called}: safety: ${toError(error).message}`, error);
  }
  checkToolPolicies(called, tools);
  const names = new Set([RETRIEVE, RECALL]);
  for (const tool of tools) {
    if (names.has(tool.name))
      throw invalid(`agent ${called}: a second tool named ${tool.name}, or a reserved name`);
    names.add(tool.name);
    try {
      modelToolOf(tool);
    } catch (error) {
      throw invalid(
        `agent ${called}: the arguments of ${tool.name} cannot be described to a model: ${toError(error).message}`,
        error,
      );
    }
  }
};

/** Every capability that a tool of these agents asks for. */
export const capabilitiesOf = (agents: readonly AgentDefinition[]): readonly string[] => [
  ...new Set(agents.flatMap(({ tools }) => (tools ?? []).flatMap(({ capability }) => capability ?? []))),
];

/** Throws `config-invalid`. */
export const checkModels = (models: readonly LanguageModel[]): void => {
  const ids = new Set<string>();
  for (const { id, price } of models) {
    if (ids.has(id)) throw invalid(`there are two language models with the id ${id}`);
    ids.add(id);
    for (const amount of [price.inputPerMillionUsd, price.outputPerMillionUsd]) {
      try {
        parseUsd(amount);
      } catch (error) {
        throw invalid(`the price of ${id}: ${toError(error).message}`, error);
      }
    }
  }
};
