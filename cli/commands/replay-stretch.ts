/** A range of offsets replayed in one pass: each execution as it ends, progress on stderr, the counts at the end. */
import { resolve } from 'node:path';
import { findAmong } from '../../agents/replay/find-behaviour.ts';
import type { ReplayedExecution } from '../../agents/replay/range-replay-state.ts';
import type { JournalPlace } from '../../agents/replay/recorded-execution.ts';
import { type RangeSummary, replayRange } from '../../agents/replay/replay-range.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { loadConfig } from '../load-config.ts';
import { createOutput, oneLine } from '../output.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { wholeNumber } from '../whole-number.ts';
import type { ReplayOptions } from './replay-options.ts';
import { type Surroundings, withKafka } from './surroundings.ts';

const WIDTH = 140;

const describeExecution = ({
  executionId,
  agent,
  state,
  offset,
  decisions,
  different,
  firstDifference,
}: ReplayedExecution): string => {
  const head = `${state.padEnd(10)} ${oneLine(executionId, WIDTH)} ${agent} at ${offset}: ${decisions} decisions${different > 0 ? `, ${different} differ` : ''}`;
  if (!firstDifference) return head;
  const { step, kind, name, recorded, replayed } = firstDifference;
  const sides = `recorded ${recorded.input ?? recorded.inputHash ?? '–'} · now ${replayed.kind} ${replayed.input ?? replayed.inputHash ?? '–'}`;
  return `${head}\n           step ${step} ${kind} ${oneLine(name ?? '', WIDTH)}: ${oneLine(sides, WIDTH)}`;
};

const describeSummary = ({ executions, seconds, ...counts }: RangeSummary): string =>
  [
    `${executions} executions in ${seconds} s (${Math.round(executions / Math.max(0.001, seconds))} a second): ${counts.identical} identical, ${counts.different} different, ${counts.unfinished} unfinished`,
    ...(counts.cut > 0 ? [`${counts.cut} began before what the journal still holds`] : []),
    ...(counts.unreadable > 0 ? [`${counts.unreadable} records could not be read`] : []),
    `${counts.decisions} decisions, ${counts.read} records read, ${counts.outsideCalls} outside calls`,
  ].join('\n');

/** Errors: `check-failed` where an execution differs, and those of `replayRange`. */
export const replayStretch = async (
  surroundings: Surroundings,
  { topic, partition, offset: from }: JournalPlace,
  { toOffset = '', config, json }: ReplayOptions,
): Promise<void> => {
  const to = wholeNumber(toOffset, '--to-offset');
  const output = createOutput(json ?? false);
  const replay = (interrupted: AbortSignal): Promise<RangeSummary> =>
    withKafka(surroundings, async ({ kafka, codec, run }) => {
      const { agents, behaviours } = await loadConfig(resolve(surroundings.root, config ?? run.config));
      return replayRange({
        ...{ kafka, codec, signal: interrupted },
        findBehaviour: findAmong(agents, behaviours),
        range: { topic, partition, from, to },
        onExecution: ({ offset, ...execution }) => {
          const line = { ...execution, position: `${topic}:${partition}:${offset}` };
          // Of thousands, those that are as they were are a number to people.
          if (output.json || execution.state !== 'identical')
            output.stream(line, () => describeExecution({ ...execution, offset }));
        },
        onProgress: ({ read, of, executions, open }) =>
          output.talk(`  ${read} of at most ${of} records, ${executions} executions, ${open} open`),
      });
    });
  const summary = await untilInterrupted(replay);
  output.stream({ summary }, () => describeSummary(summary));
  if (summary.different > 0)
    throw new FreshetError('check-failed', `${summary.different} of ${summary.executions} executions differ`);
};
