/**
 * Which of the further versions a worker may run. One that is not valid any more, or whose tools are not what was approved, is left out, and
 * does not stop the start as an agent would: it may be an old one, kept for replays, which call no tool.
 */
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import { toError } from '../../schemas/errors.ts';
import { checkAgent } from '../runtime/check-agents.ts';
import { verifyMcpTools } from '../tools/mcp-tools.ts';

export interface RunnableBehaviours {
  readonly behaviours: readonly AgentDefinition[];
  /** Why others are left out, and servers that could not be asked. */
  readonly refusals: readonly string[];
}

export const runnableBehaviours = async (
  behaviours: readonly AgentDefinition[],
): Promise<RunnableBehaviours> => {
  const refusals: string[] = [];
  const verified = await Promise.all(
    behaviours.map(async (behaviour) => {
      try {
        checkAgent(behaviour, `${behaviour.name} ${behaviour.version}`);
        refusals.push(...(await verifyMcpTools(behaviour.tools ?? [])));
        return [behaviour];
      } catch (error) {
        refusals.push(
          `version ${behaviour.version} of ${behaviour.name} gets no tasks here: ${toError(error).message}`,
        );
        return [];
      }
    }),
  );
  return { behaviours: verified.flat(), refusals };
};
