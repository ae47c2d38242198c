/** `freshet events tail`: the journal as it is written. */

import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { type GroupReader, openGroupReader } from '../../connectors/kafka/group-reader.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { isUnreadable, toFreshetError } from '../../schemas/errors.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { createOutput, type Output, oneLine } from '../output.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { type Surroundings, withKafka } from './surroundings.ts';

const describe = ({ at, position, event }: { at: string; position: string; event: AgentEvent }): string =>
  `${at}  ${position.padEnd(28)} ${oneLine(event.executionId, 100)}  ${String(event.step).padStart(2)} ${event.type.padEnd(13)} ${oneLine(event.name ?? '', 60)} ${oneLine(event.error?.message ?? event.output ?? event.outputPayload?.glance ?? event.input ?? event.inputPayload?.glance ?? '', 80)}`;

/** Undefined of a record that is none: the next ones are shown. */
const eventOf = async (codec: RecordCodec, value: Buffer | null): Promise<AgentEvent | undefined> => {
  try {
    return await codec.decode('AgentEvent', value);
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
};

const tail = async (kafka: KafkaClient, codec: RecordCodec, output: Output, interrupted: AbortSignal) => {
  const topic = TOPICS.agentEvents.name;
  const groupId = `freshet.tail.${randomUUID()}`;
  const ends = new Map((await kafka.admin.offsets(topic)).map((each) => [each.partition, each.latest]));
  if (interrupted.aborted) return;
  let opening: Promise<GroupReader> | undefined;
  await new Promise<void>((resolve, reject) => {
    interrupted.addEventListener('abort', () => resolve());
    let printing = Promise.resolve();
    opening = openGroupReader(
      kafka,
      { groupId, topics: [topic] },
      {
        onAssigned: async (partitions) =>
          partitions.map((at) => ({ ...at, offset: ends.get(at.partition) ?? 0 })),
        onRevoked: () => undefined,
        onFailure: reject,
        onBatch: ({ partition, records }) => {
          printing = printing
            .then(async () => {
              for (const record of records) {
                const position = `${topic}:${partition}:${record.offset}`;
                const event = await eventOf(codec, record.value);
                if (event)
                  output.stream({ at: new Date(event.at / 1_000).toISOString(), position, event }, describe);
                else output.talk(`${position} is no event that this release can read`);
              }
            })
            .catch((error: unknown) => reject(toFreshetError(error)));
        },
      },
    );
    opening.catch(reject);
  }).finally(async () => {
    await opening?.then((reader) => reader.close()).catch(() => undefined);
    await kafka.admin.deleteGroups([groupId]).catch(() => undefined);
  });
};

export const addEventsCommand = (freshet: Command, surroundings: Surroundings): void => {
  freshet
    .command('events')
    .description('the journal of executions')
    .command('tail')
    .description('events as they are written, until Ctrl-C')
    .option('--json', 'a line of JSON an event')
    .action(async (options: { json?: boolean }) =>
      withKafka(surroundings, ({ kafka, codec }) =>
        untilInterrupted((interrupted) =>
          tail(kafka, codec, createOutput(options.json ?? false), interrupted),
        ),
      ),
    );
};
