/** `freshet replay <topic>:<partition>:<offset>`. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type Replay, replayExecution } from '../../agents/replay/replay-execution.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { loadConfig } from '../load-config.ts';
import { createOutput, oneLine, table } from '../output.ts';
import { type Surroundings, withKafka } from './surroundings.ts';

const PLACE = /^([\w.-]+):(\d+):(\d+)$/;

const describe = (replay: Replay): string => {
  const rows = replay.decisions.map((each) => [
    String(each.step),
    each.kind,
    each.name ?? '–',
    each.same ? 'same' : 'DIFFERS',
    each.same
      ? ''
      : oneLine(
          `recorded ${each.recorded.input ?? each.recorded.inputHash ?? '–'} · now ${each.replayed.input ?? each.replayed.inputHash ?? '–'}`,
          160,
        ),
  ]);
  return [
    `execution  ${replay.executionId} of ${replay.agent}`,
    `behaviour  recorded ${replay.behaviour.recorded.join(', ')}, replayed with ${replay.behaviour.replayed ?? 'none: the agent is not configured'}`,
    '',
    table(['step', 'decision', 'name', 'replay', ''], rows),
    '',
    replay.identical
      ? `identical: ${replay.decisions.length} decisions, ${replay.outsideCalls} outside calls`
      : `different: ${replay.decisions.filter((each) => !each.same).length} of ${replay.decisions.length} decisions`,
    ...(replay.ended ? [] : ['the execution has not ended; what there is of it was replayed']),
  ].join('\n');
};

export const addReplayCommand = (freshet: Command, surroundings: Surroundings): void => {
  freshet
    .command('replay <position>')
    .description(
      'run the execution at topic:partition:offset again on its recorded results and compare every decision',
    )
    .option('--config <file>', 'with the agents of this configuration')
    .option('--json', 'JSON')
    .action(async (position: string, options: { config?: string; json?: boolean }) => {
      const [, topic = '', partition = '', offset = ''] = PLACE.exec(position) ?? [];
      if (topic === '')
        throw new FreshetError(
          'usage',
          `a position is topic:partition:offset, such as freshet.agent-events:3:17, not ${position}`,
        );
      const replay = await withKafka(surroundings, async ({ kafka, codec, run }) => {
        const { agents } = await loadConfig(resolve(surroundings.root, options.config ?? run.config));
        return replayExecution({
          kafka,
          codec,
          agents,
          at: { topic, partition: Number(partition), offset: Number(offset) },
        });
      });
      createOutput(options.json ?? false).print(replay, describe);
      if (!replay.identical)
        throw new FreshetError('check-failed', 'the replay differs from what was recorded');
    });
};
