/** A record of Freshet's own topics says what it is and when it was written, also where its writer says nothing of it. */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../../schemas/clock.ts';
import { cloudEventHeaders } from '../../schemas/cloud-event.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { RecordToAppend } from './kafka.ts';

const isOwn = (topic: string): boolean => topic.startsWith('freshet.') || topic === TOPICS.memory.name;

/** What a writer says of its record stands: its id is the same each time it is written, this one never. */
export const asCloudEvent = (record: RecordToAppend): RecordToAppend => {
  const { topic, headers } = record;
  if (headers?.ce_id !== undefined || !isOwn(topic)) return record;
  const [id, at] = [randomUUID(), systemClock()];
  const said = cloudEventHeaders({ id, type: topic, source: 'freshet/record-writer', at });
  return { ...record, headers: { ...said, ...headers } };
};
