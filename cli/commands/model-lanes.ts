/** `freshet index reembed|lanes|cutover|revert|finish|abandon`: a change of embedding model while everything goes on. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { openLaneReplicas } from '../../connectors/index-service/lane-replicas.ts';
import { answeringOf, type LanesStatus } from '../../connectors/index-service/lane-service.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { sendLaneCommand } from '../../gateway/send-lane-command.ts';
import { judgeCutover } from '../../pipelines/apply-index/judge-cutover.ts';
import { readLanes } from '../../pipelines/read-lanes.ts';
import { systemClock } from '../../schemas/clock.ts';
import { LOCAL_EMBEDDING_MODELS } from '../../schemas/config.ts';
import { FreshetError } from '../../schemas/errors.ts';
import {
  DEFAULT_BACKFILL_PER_SECOND,
  type LaneCommand,
  type ModelLanes,
  moveLanes,
  type StandingLanes,
} from '../../schemas/model-lanes.ts';
import { AT_TERMINAL, askAtTerminal, type Consent, withConsent } from '../consent.ts';
import { loadConfig } from '../load-config.ts';
import { createOutput } from '../output.ts';
import { requireRun } from '../run-file.ts';
import { describeComparison } from './lane-comparison.ts';
import { type Surroundings, withKafka } from './surroundings.ts';

const SHOWN_EVERY_MS = 1_000;
const SWITCH_WITHIN_MS = 120_000;

const describeLanes = ({ wanted, answering, lanes }: LanesStatus): string =>
  [
    `answering  ${answering}${answering === wanted.serving ? '' : `, ${wanted.serving} as soon as it covers as much`}`,
    ...lanes.map(({ model, modelId, documents, rows, behind }) => {
      const part =
        model === wanted.candidate
          ? 'being filled'
          : model === wanted.previous
            ? 'kept to revert to'
            : 'serving';
      return `${model.padEnd(10)} ${part}: ${modelId}, ${documents} documents, ${rows} rows, ${behind} records behind`;
    }),
  ].join('\n');

/** What stands in the log: an index may not have heard of the last command yet. */
const standingIn = (surroundings: Surroundings): Promise<StandingLanes> =>
  withKafka(surroundings, async ({ kafka, codec, run }) => {
    const { wanted } = await openLaneReplicas(run.index).lanes();
    return (await readLanes(kafka, codec, wanted.base)).standing;
  });

/** Appends the state after a command, audited first. Gives it. Errors: `conflict` (see moveLanes and sendLaneCommand). */
const command = async (
  surroundings: Surroundings,
  wanted: LaneCommand,
  options: Consent,
  goesOnFrom?: StandingLanes,
): Promise<ModelLanes> => {
  const before = goesOnFrom ?? (await standingIn(surroundings));
  const next = moveLanes(before.lanes, wanted);
  if (options.dryRun) return next;
  await withKafka(surroundings, async ({ kafka, codec }) => {
    const writer = openRecordWriter(kafka);
    const asked = { at: systemClock(), by: 'local', reason: options.reason ?? null };
    const moved = { ...asked, before, next, action: wanted.action };
    await sendLaneCommand({ kafka, codec, writer }, moved, 'freshet/cli');
    await writer.close();
  });
  return next;
};

const untilAnswering = async (surroundings: Surroundings, model: string): Promise<LanesStatus> => {
  const index = openLaneReplicas(requireRun(surroundings.root).index);
  const deadline = Date.now() + SWITCH_WITHIN_MS;
  for (;;) {
    const status = await index.lanes();
    if (status.answering === model) return status;
    if (Date.now() > deadline)
      throw new FreshetError(
        'unavailable',
        `${status.answering} answers still; ${model} does as soon as it covers as much`,
      );
    await sleep(200);
  }
};

export const addModelLaneCommands = (index: Command, surroundings: Surroundings): void => {
  const client = () => openLaneReplicas(requireRun(surroundings.root).index);
  const laneCommand = (name: string, description: string): Command =>
    withConsent(index.command(name), name === 'reembed' ? {} : { yes: AT_TERMINAL }).description(description);

  index
    .command('lanes')
    .description('which embedding model answers, which is being filled, and how far it is')
    .option('--json', 'JSON')
    .action(async (options: Consent) =>
      createOutput(options.json ?? false).print(await client().lanes(), describeLanes),
    );

  laneCommand(
    'reembed',
    'embed all documents with another model, beside the one that serves; shows how far it is',
  )
    .requiredOption('--model <name>', 'of embedding.models, or a local one')
    .option('--rate <documents>', 'embedded again a second, at most', String(DEFAULT_BACKFILL_PER_SECOND))
    .option('--no-wait', 'returns at once')
    .action(async (options: Consent & { model: string; rate: string; wait: boolean }) => {
      const { embedding } = await loadConfig(requireRun(surroundings.root).config);
      if (
        !Object.hasOwn(embedding.models, options.model) &&
        !LOCAL_EMBEDDING_MODELS.some((each) => each === options.model)
      )
        throw new FreshetError(
          'usage',
          `no embedding model is called ${options.model}; add it to embedding.models`,
        );
      const backfillPerSecond = Number(options.rate);
      if (!(backfillPerSecond > 0)) throw new FreshetError('usage', '--rate must be a number above 0');
      const output = createOutput(options.json ?? false);
      const { model } = options;
      const next = await command(surroundings, { action: 'reembed', model, backfillPerSecond }, options);
      if (options.dryRun)
        return output.print(
          { wanted: next },
          () => `would fill ${model} beside ${next.serving}, ${backfillPerSecond} documents a second at most`,
        );
      while (options.wait) {
        const lane = (await client().lanes()).lanes.find((each) => each.model === model);
        if (lane && lane.behind === 0) break;
        output.talk(
          lane ? `  ${lane.behind} records to go, ${lane.documents} documents` : '  waiting for its index',
        );
        await sleep(SHOWN_EVERY_MS);
      }
      output.print(await client().lanes(), describeLanes);
    });

  laneCommand('cutover', 'measure the model that was filled against the one that serves, and let it answer')
    .option('--queries <count>', 'titles to ask for', '100')
    .option('--force', 'whatever was measured')
    .action(async (options: Consent & { queries: string; force?: boolean }) => {
      askAtTerminal('cut over', options);
      const output = createOutput(options.json ?? false);
      // Before the measure: should another model be filled meanwhile, this does not hold.
      const before = await standingIn(surroundings);
      const comparison = await client().measure(Number(options.queries));
      const against = judgeCutover(comparison);
      const refused = against.length > 0 && !options.force;
      if (options.dryRun) {
        const wanted = await command(surroundings, { action: 'cutover' }, options, before);
        return output.print({ comparison, against, wanted }, () =>
          [
            describeComparison(comparison),
            ...against.map((each) => `against it: ${each}`),
            refused ? 'would not be cut over' : `${wanted.serving} would answer`,
          ].join('\n'),
        );
      }
      if (!output.json) output.talk(describeComparison(comparison));
      if (refused) {
        if (output.json) output.print({ comparison, against }, () => '');
        throw new FreshetError('check-failed', `not cut over: ${against.join('; ')}. Force it with --force`);
      }
      const next = await command(surroundings, { action: 'cutover' }, options, before);
      const lanes = await untilAnswering(surroundings, next.serving);
      output.print(
        { comparison, against, wanted: next, lanes },
        () => `${next.serving} answers; back with: freshet index revert --yes`,
      );
    });

  laneCommand('revert', 'let the model answer again that did before the cut-over').action(
    async (options: Consent) => {
      askAtTerminal('revert', options);
      const next = await command(surroundings, { action: 'revert' }, options);
      const lanes = options.dryRun ? undefined : await untilAnswering(surroundings, next.serving);
      createOutput(options.json ?? false).print(
        { wanted: next, lanes },
        () => `${next.serving} ${lanes ? 'answers' : 'would answer'}`,
      );
    },
  );

  for (const [name, description] of [
    [
      'finish',
      'give up the model that was cut over from: it is embedded with no more, and cannot be reverted to',
    ],
    ['abandon', 'give up the model that is being filled'],
  ] as const)
    laneCommand(name, description).action(async (options: Consent) => {
      askAtTerminal(name, options);
      // Before the replicas are asked: who answers with the new model by now goes back by a later command alone.
      const before = await standingIn(surroundings);
      const wanted: LaneCommand =
        name === 'finish'
          ? {
              ...{ action: name, at: Math.round(systemClock() / 1_000) },
              answering: answeringOf(await client().lanes()),
            }
          : { action: name };
      const next = await command(surroundings, wanted, options, before);
      createOutput(options.json ?? false).print(
        { wanted: next },
        () => `${next.serving} ${options.dryRun ? 'would serve' : 'serves'} alone`,
      );
    });
};
