/** The one file that names the Kafka library (kafkajs 2.2). Another client takes its place by another folder like this one. */
import { createRequire } from 'node:module';
import kafkajs from 'kafkajs';
import { encodeRecord } from './encode-record.ts';

export type { Admin, Consumer, Kafka as KafkaJs, Message, PartitionAssigner, Producer } from 'kafkajs';

export const { AssignerProtocol, ConfigResourceTypes, Kafka, Partitioners, logLevel } = kafkajs;

/** For connections, sends and fetches alike; after the last one this project reads the log before it goes on (rule P). */
export const RETRY = { initialRetryTime: 100, maxRetryTime: 2_000, retries: 8 } as const;

// The library loads its encoding of a record with its first send, and is given ours (decision 27).
const load = createRequire(import.meta.url);
const encoding = load.resolve('kafkajs/src/protocol/recordBatch/record/v0/index.js');
load(encoding);
const loaded = load.cache[encoding];
if (loaded) loaded.exports = encodeRecord;
