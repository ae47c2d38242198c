/** A new live execution from a recorded state: finds the execution at the place, and asks the gateway for the fork. */
import { type JournalPlace, readRecordedExecution } from '../../agents/replay/recorded-execution.ts';
import { askAtTerminal, asked } from '../consent.ts';
import { createOutput } from '../output.ts';
import { wholeNumber } from '../whole-number.ts';
import type { ReplayOptions } from './replay-options.ts';
import { gatewayOf, type Surroundings, withKafka } from './surroundings.ts';

/** A gateway of the release before names neither agent nor cost. */
interface Forked {
  readonly taskId: string | null;
  readonly executionId: string | null;
  readonly agent?: { readonly name: string; readonly version: string };
  readonly origin: string;
  readonly takenOver: { readonly events: number; readonly step: number };
  readonly effects: readonly {
    readonly step: number;
    readonly tool: string;
    readonly kind: string;
    readonly costUsd?: string | null;
  }[];
  readonly compensate: boolean;
}

const STANDS: Readonly<Record<string, string>> = {
  declared: 'its tool says how to undo it, which --compensate asks for',
  undeclared: 'its tool does not say how to undo it: it stands',
  unknown: 'whether it happened is not known: look',
};

/** What was begun, or with --dry-run would be. */
export const describeFork = ({
  taskId,
  executionId,
  agent,
  origin,
  takenOver,
  effects,
  compensate,
}: Forked): string => {
  const what = agent ? `${agent.name} ${agent.version}, live,` : 'a live execution';
  const begun = `${what} after step ${takenOver.step}`;
  return [
    ...(taskId
      ? [`task       ${taskId}`, `execution  ${executionId}`, `begins     ${begun}`]
      : [`would begin ${begun}; nothing was changed (--dry-run)`]),
    `from       ${origin}: ${takenOver.events} events taken over`,
    ...(effects.length === 0 ? ['effects    none after that step'] : []),
    ...effects.map(({ step, tool, kind, costUsd }) => {
      const isUndone = compensate && kind === 'declared';
      const cost = costUsd ? `, for $${costUsd}` : '';
      const becomes = isUndone ? `${taskId ? 'is' : 'would be'} undone first${cost}` : (STANDS[kind] ?? kind);
      return `effect     step ${step}, ${tool}: ${becomes}`;
    }),
  ].join('\n');
};

export const forkExecution = async (
  surroundings: Surroundings,
  at: JournalPlace,
  options: ReplayOptions,
): Promise<void> => {
  const { fromStep = '', compensate = false, maxUsd, maxSteps, json } = options;
  askAtTerminal(
    compensate ? 'begin a live execution and undo what was done' : 'begin a live execution',
    options,
  );
  const step = wholeNumber(fromStep, '--from-step');
  const gateway = gatewayOf(surroundings);
  const events = await withKafka(surroundings, ({ kafka, codec }) => readRecordedExecution(kafka, codec, at));
  const budget = {
    ...(maxUsd === undefined ? {} : { maxUsd }),
    ...(maxSteps === undefined ? {} : { maxSteps: wholeNumber(maxSteps, '--max-steps') }),
  };
  const forked = await gateway.post<Forked>(
    `/v1/executions/${encodeURIComponent(events[0]?.executionId ?? '')}/fork`,
    { step, compensate, ...(Object.keys(budget).length > 0 ? { budget } : {}), ...asked(options) },
  );
  createOutput(json ?? false).print(forked, describeFork);
};
