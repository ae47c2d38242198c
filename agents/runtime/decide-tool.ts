/** Whether a call that was asked for is made, refused, approved by a person first, or handed to another agent. Pure. */
import type { ToolCall } from '../../connectors/models/language/language-model.ts';
import type { AgentDefinition, ToolDefinition } from '../../schemas/agent-definition.ts';
import { hashOnce } from '../../schemas/canonical-json.ts';
import { totalUsd } from '../../schemas/execution-costs.ts';
import { formatUsd, parseUsd } from '../../schemas/money.ts';
import { loopVerdict } from '../safety/loop-state.ts';
import { mostUsdOf } from '../tools/tool-policy.ts';
import { wrongOf } from './checked-value.ts';
import type { Decision, ToolRefusal } from './decision.ts';
import { end, MICROS } from './decision-facts.ts';
import type { ExecutionState } from './execution-state.ts';
import { goesBy, type RunTerms } from './run-terms.ts';

export const toolDecision = (
  state: ExecutionState,
  agent: AgentDefinition,
  terms: RunTerms,
  now: number,
): Decision => {
  const { phase } = state;
  const call = phase.kind === 'tools' ? phase.calls[0] : undefined;
  if (phase.kind !== 'tools' || !call) return end(state, 'failed', 'internal', 'the model asked for no tool');
  const { name, arguments: input } = call;
  const tool = agent.tools?.find((each) => each.name === name);
  const proposed = {
    kind: 'tool',
    name,
    inputHash: hashOnce(input),
    effect: tool?.effect ?? 'read',
    maxCalls: tool?.maxCalls,
  };
  const verdict = loopVerdict(state.loop, proposed, terms.safety);
  if (!verdict.allowed) return end(state, 'halted', verdict.code, verdict.reason);
  if (!tool) {
    const known = (agent.tools ?? []).map((each) => each.name).join(', ') || 'none';
    return refused(state, call, 'unknown-tool', `there is no tool of that name; there are: ${known}`);
  }
  const wrong = wrongOf(tool.arguments, input);
  if (wrong !== null) return refused(state, call, 'arguments-invalid', wrong);
  if (tool.capability !== undefined && !terms.capabilities.includes(tool.capability))
    return refused(state, call, 'not-allowed', `whoever sent the task may not ${tool.capability}`);
  const over = overCapOf(state, agent, terms, tool);
  if (over !== null) return end(state, 'halted', 'money-cap', over);
  const step = state.step + 1;
  const handOver = tool.subtask ? delegateDecision(state, terms, call, tool.subtask) : null;
  // Nobody is asked for what cannot be handed over; by rules of before, for nothing that is.
  if (handOver && (handOver.kind !== 'delegate' || !goesBy(terms, 2))) return handOver;
  if (tool.approval && !phase.approved)
    return { kind: 'ask-approval', step, name, input, until: approvalUntil(state, terms, now) };
  if (handOver) return handOver;
  return { kind: 'tool', step, name, input, effect: tool.effect, callId: call.id };
};

/** Why a call may not be paid for, with every try and all that stands in for it: a cap that retries could pass would be none. */
export const overCapOf = (
  state: ExecutionState,
  agent: AgentDefinition,
  { limits }: RunTerms,
  tool: ToolDefinition,
): string | null => {
  const most = mostUsdOf(tool, agent.tools ?? []);
  return most !== null && totalUsd(state.costs) + parseUsd(most) > parseUsd(limits.maxUsd)
    ? `a call of ${tool.name} may cost ${most} USD: over ${limits.maxUsd}`
    : null;
};

/** Nobody is asked for a call that would come after the task's deadline. */
const approvalUntil = ({ input }: ExecutionState, { limits }: RunTerms, now: number): number =>
  Math.min(now + limits.maxApprovalMs * MICROS, input?.deadlineAt ?? Number.POSITIVE_INFINITY);

/** Sub-tasks of sub-tasks: deeper ones are refused, whatever money there is. */
export const MAX_DEPTH = 4;

const delegateDecision = (
  state: ExecutionState,
  { limits }: RunTerms,
  call: ToolCall,
  { agent, maxUsd }: NonNullable<ToolDefinition['subtask']>,
): Decision => {
  if ((state.input?.parent?.depth ?? 0) >= MAX_DEPTH)
    return refused(state, call, 'too-deep', `sub-tasks go ${MAX_DEPTH} deep, and no deeper`);
  const left = parseUsd(limits.maxUsd) - totalUsd(state.costs);
  const calls = state.phase.kind === 'tools' ? state.phase.calls.length : 1;
  // What is left is shared out evenly among the calls to come, so that the first takes no money from the last.
  const share = maxUsd === undefined ? left / BigInt(calls) : parseUsd(maxUsd);
  if (share > left || left < 0n)
    return end(
      state,
      'halted',
      'money-cap',
      `${formatUsd(left)} USD are left, and ${agent} may cost ${formatUsd(share)}`,
    );
  return {
    kind: 'delegate',
    step: state.step + 1,
    name: call.name,
    input: call.arguments,
    agent,
    callId: call.id,
    reservedUsd: formatUsd(share),
  };
};

export const refused = (
  state: ExecutionState,
  { name, arguments: input }: ToolCall,
  code: ToolRefusal,
  message: string,
): Decision => ({ kind: 'refuse-tool', step: state.step + 1, name, input, error: { code, message } });
