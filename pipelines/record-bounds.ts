/**
 * How many bytes of records one partition's queue holds: 16 MB of eight partitions are 128 MB, with the fetch that was
 * under way a little more. Decoded, a batch holds its bytes twice more.
 */
import { bytesOfRecord, type KafkaRecord } from '../connectors/kafka/kafka.ts';
import type { BatchQueueSettings } from './batch-queue.ts';

const MEBIBYTE = 1024 * 1024;

export const RECORD_BOUNDS = {
  maxBatchBytes: 8 * MEBIBYTE,
  highWaterBytes: 16 * MEBIBYTE,
  bytesOf: bytesOfRecord,
} as const satisfies Partial<BatchQueueSettings<KafkaRecord>>;
