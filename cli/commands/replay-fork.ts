/** A new live execution from a recorded state: finds the execution at the place, and asks the gateway for the fork. */
import { type JournalPlace, readRecordedExecution } from '../../agents/replay/recorded-execution.ts';
import { createOutput } from '../output.ts';
import { wholeNumber } from '../whole-number.ts';
import type { ReplayOptions } from './replay-options.ts';
import { gatewayOf, type Surroundings, withKafka } from './surroundings.ts';

interface Forked {
  readonly taskId: string | null;
  readonly executionId: string | null;
  readonly origin: string;
  readonly takenOver: { readonly events: number; readonly step: number };
  readonly effects: readonly { readonly step: number; readonly tool: string; readonly kind: string }[];
  readonly compensate: boolean;
}

const SAID: Readonly<Record<string, string>> = {
  declared: 'its tool says how to undo it',
  undeclared: 'its tool does not say how to undo it: it stands',
  unknown: 'whether it happened is not known: look',
};

const describe = ({ taskId, executionId, origin, takenOver, effects, compensate }: Forked): string =>
  [
    taskId ? `task       ${taskId}` : 'nothing was changed (--dry-run)',
    ...(executionId ? [`execution  ${executionId}`] : []),
    `from       ${origin}: ${takenOver.events} events taken over, up to step ${takenOver.step}`,
    ...(effects.length === 0 ? ['effects    none after that step'] : []),
    ...effects.map((each) => `effect     step ${each.step}, ${each.tool}: ${SAID[each.kind] ?? each.kind}`),
    ...(effects.length > 0 && !compensate
      ? ['           none is undone; --compensate undoes those that can be']
      : []),
  ].join('\n');

export const forkExecution = async (
  surroundings: Surroundings,
  at: JournalPlace,
  { fromStep = '', compensate = false, maxUsd, maxSteps, reason, dryRun = false, json }: ReplayOptions,
): Promise<void> => {
  const step = wholeNumber(fromStep, '--from-step');
  const gateway = gatewayOf(surroundings);
  const events = await withKafka(surroundings, ({ kafka, codec }) => readRecordedExecution(kafka, codec, at));
  const budget = {
    ...(maxUsd === undefined ? {} : { maxUsd }),
    ...(maxSteps === undefined ? {} : { maxSteps: wholeNumber(maxSteps, '--max-steps') }),
  };
  const forked = await gateway.post<Forked>(
    `/v1/executions/${encodeURIComponent(events[0]?.executionId ?? '')}/fork`,
    {
      ...{ step, compensate, dryRun },
      ...(Object.keys(budget).length > 0 ? { budget } : {}),
      ...(reason === undefined ? {} : { reason }),
    },
  );
  createOutput(json ?? false).print(forked, describe);
};
