/** Moves the lanes of embedding models on: audited first, then on freshet.control. Gateway and CLI both ask it so. */
import { randomUUID } from 'node:crypto';
import type { RecordWriter } from '../connectors/kafka/record-writer.ts';
import type { RecordCodec } from '../connectors/registry/record-codec.ts';
import { cloudEventHeaders } from '../schemas/cloud-event.ts';
import {
  LANES_KEY,
  type LaneCommand,
  lanesKept,
  type ModelLanes,
  valuesOfLanes,
} from '../schemas/model-lanes.ts';
import type { Audit, Control } from '../schemas/records.ts';
import { TOPICS } from '../schemas/topics.ts';
import { auditRecord } from './audit-record.ts';

/** `next`: what `moveLanes` made of `before`. Errors: `append-failed`. */
export const sendLaneCommand = async (
  {
    codec,
    writer,
  }: { readonly codec: Pick<RecordCodec, 'encode'>; readonly writer: Pick<RecordWriter, 'append'> },
  {
    before,
    next,
    action,
    ...asked
  }: Pick<Audit, 'at' | 'by' | 'reason'> & {
    readonly before: ModelLanes;
    readonly next: ModelLanes;
    readonly action: LaneCommand['action'];
  },
  source: 'freshet/gateway' | 'freshet/cli' = 'freshet/gateway',
): Promise<void> => {
  const id = randomUUID();
  const targets = [...new Set([...lanesKept(before), ...lanesKept(next)])];
  await writer.append([auditRecord(codec, { ...asked, action: `index ${action}`, targets }, source)]);
  const control: Control = {
    ...{ kind: 'embedding', name: 'documents', id, action },
    values: valuesOfLanes(next),
    ...asked,
  };
  await writer.append([
    {
      topic: TOPICS.control.name,
      key: LANES_KEY,
      value: codec.encode('Control', control),
      headers: cloudEventHeaders({ id, type: 'freshet.control', source, at: asked.at }),
    },
  ]);
};
