/**
 * `freshet replay <topic:partition:offset>`: one execution on its recorded results, decision by decision; with
 * `--to-offset` a whole range in one pass; with `--behaviour` what another version would have decided; with
 * `--from-step` a new live execution from a recorded state. All but the last change nothing and call nothing outside.
 */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { estimatePrompt } from '../../agents/replay/estimate-prompt.ts';
import { candidateOf } from '../../agents/replay/find-behaviour.ts';
import { type JournalPlace, readRecordedExecution } from '../../agents/replay/recorded-execution.ts';
import { type Replay, replayRecorded } from '../../agents/replay/replay-execution.ts';
import { whatIf } from '../../agents/replay/what-if.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { AT_TERMINAL } from '../consent.ts';
import { loadConfig } from '../load-config.ts';
import { createOutput, oneLine, table } from '../output.ts';
import { forkExecution } from './replay-fork.ts';
import type { ReplayOptions } from './replay-options.ts';
import { replayStretch } from './replay-stretch.ts';
import { type Surroundings, withKafka } from './surroundings.ts';
import { describeWhatIf } from './what-if-shown.ts';

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

const placeOf = (position: string): JournalPlace => {
  const [, topic = '', partition = '', offset = ''] = PLACE.exec(position) ?? [];
  if (topic === '')
    throw new FreshetError(
      'usage',
      `a position is topic:partition:offset, such as freshet.agent-events:3:17, not ${position}`,
    );
  return { topic, partition: Number(partition), offset: Number(offset) };
};

const checkTogether = ({ toOffset, behaviour, fromStep }: ReplayOptions): void => {
  const asked = [
    toOffset === undefined ? null : '--to-offset',
    behaviour === undefined ? null : '--behaviour',
    fromStep === undefined ? null : '--from-step',
  ].filter((each) => each !== null);
  if (asked.length > 1)
    throw new FreshetError('usage', `${asked.join(' and ')} ask for different things; give one of them`);
};

const replayOne = async (
  surroundings: Surroundings,
  at: JournalPlace,
  { behaviour, config, json }: ReplayOptions,
): Promise<void> => {
  const output = createOutput(json ?? false);
  const { events, agents, behaviours } = await withKafka(surroundings, async ({ kafka, codec, run }) => ({
    ...(await loadConfig(resolve(surroundings.root, config ?? run.config))),
    events: await readRecordedExecution(kafka, codec, at),
  }));
  if (behaviour !== undefined) {
    const candidate = candidateOf(agents, behaviours, events[0]?.agent ?? '', behaviour);
    output.print(whatIf(events, candidate, estimatePrompt), describeWhatIf);
    return;
  }
  const replay = replayRecorded(events, agents, behaviours);
  output.print(replay, describe);
  if (!replay.identical) throw new FreshetError('check-failed', 'the replay differs from what was recorded');
};

export const addReplayCommand = (freshet: Command, surroundings: Surroundings): void => {
  freshet
    .command('replay <position>')
    .description(
      'run the execution at topic:partition:offset again on its recorded results and compare every decision',
    )
    .option('--to-offset <offset>', 'every execution with an event up to here, in one pass')
    .option('--behaviour <version>', 'what this version of the agent would have decided, and at what cost')
    .option('--from-step <n>', 'a NEW live execution that begins from the state after this step (audited)')
    .option('--compensate', 'with --from-step: first undo what was done outside after it')
    .option('--max-usd <decimal>', 'with --from-step: its own budget')
    .option('--max-steps <n>', 'with --from-step: its own cap of steps')
    .option('--reason <why>', 'with --from-step: why, audited')
    .option('--dry-run', 'with --from-step: say what would be begun and undone, and do nothing')
    .option('--yes', `with --from-step: ${AT_TERMINAL}`)
    .option('--config <file>', 'with the agents of this configuration')
    .option('--json', 'JSON; of a range a line per execution')
    .action(async (position: string, options: ReplayOptions) => {
      checkTogether(options);
      const at = placeOf(position);
      if (options.toOffset !== undefined) await replayStretch(surroundings, at, options);
      else if (options.fromStep !== undefined) await forkExecution(surroundings, at, options);
      else await replayOne(surroundings, at, options);
    });
};
