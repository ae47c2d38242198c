/** Moves the lanes of embedding models on: audited first, then on freshet.control. Gateway and CLI both ask it so. */
import { randomUUID } from 'node:crypto';
import type { KafkaClient } from '../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../connectors/kafka/record-writer.ts';
import type { RecordCodec } from '../connectors/registry/record-codec.ts';
import { readLanes } from '../pipelines/read-lanes.ts';
import { cloudEventHeaders } from '../schemas/cloud-event.ts';
import { FreshetError } from '../schemas/errors.ts';
import {
  LANES_KEY,
  type LaneCommand,
  lanesKept,
  type ModelLanes,
  type StandingLanes,
  saidAgain,
  valuesOfLanes,
} from '../schemas/model-lanes.ts';
import type { Audit, Control } from '../schemas/records.ts';
import { TOPICS } from '../schemas/topics.ts';
import { auditRecord } from './audit-record.ts';

/**
 * `next`: what `moveLanes` made of `before`, which was read from the log (readLanes). Resolves once it holds. Errors: `conflict`
 * where another command went on from the same and was first: then this one changed nothing; `append-failed`, `kafka-unavailable`.
 */
export const sendLaneCommand = async (
  {
    kafka,
    codec,
    writer,
  }: {
    readonly kafka: KafkaClient;
    readonly codec: RecordCodec;
    readonly writer: Pick<RecordWriter, 'append'>;
  },
  {
    before,
    next,
    action,
    ...asked
  }: Pick<Audit, 'at' | 'by' | 'reason'> & {
    readonly before: StandingLanes;
    readonly next: ModelLanes;
    readonly action: LaneCommand['action'];
  },
  source: 'freshet/gateway' | 'freshet/cli' = 'freshet/gateway',
): Promise<void> => {
  const id = randomUUID();
  const targets = [...new Set([...lanesKept(before.lanes), ...lanesKept(next)])];
  await writer.append([auditRecord(codec, { ...asked, action: `index ${action}`, targets }, source)]);
  const append = (control: Control): Promise<unknown> =>
    writer.append([
      {
        topic: TOPICS.control.name,
        key: LANES_KEY,
        value: codec.encode('Control', control),
        headers: cloudEventHeaders({ id: control.id, type: 'freshet.control', source, at: control.at }),
      },
    ]);
  await append({
    ...{ kind: 'embedding', name: 'documents', id, action },
    values: valuesOfLanes(next, before),
    ...asked,
  });
  for (;;) {
    const { standing, newest, held } = await readLanes(kafka, codec, next.base);
    const { control } = standing;
    if (control !== null && newest !== control.id) {
      // Compaction keeps the newest alone: what holds is said once more behind what is void.
      await append(saidAgain(control, standing));
      continue;
    }
    if (held.has(id)) return;
    const first = control ? `${control.action}, asked for by ${control.by} at the same time,` : 'another';
    throw new FreshetError(
      'conflict',
      `${first} was first, and this changed nothing: see freshet index lanes, and ask again`,
    );
  }
};
