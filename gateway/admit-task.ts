/**
 * Whether a task is taken on: at most so fast for each agent and tenant, and only while its partition's workers keep up
 * (fault 35). Kafka is asked how far they are at most once a second; what is taken on meanwhile is counted here.
 */

import { LRUCache } from 'lru-cache';
import { mayJoin } from '../agents/safety/admission-state.ts';
import { type TokenBucket, takeToken } from '../agents/safety/rate-state.ts';
import type { KafkaClient } from '../connectors/kafka/kafka.ts';
import { partitionOfKey } from '../connectors/kafka/partition-of-key.ts';
import type { Clock } from '../schemas/clock.ts';
import type { FreshetConfig } from '../schemas/config.ts';
import { FreshetError } from '../schemas/errors.ts';
import { AGENTS_GROUP } from '../schemas/groups.ts';
import { PARTITIONS, TOPICS } from '../schemas/topics.ts';
import { behindOf } from './committed-lag.ts';
import type { ExecutionList } from './read-models/execution-list.ts';
import type { RefusalList } from './read-models/refusal-list.ts';
import { taskKeyOf } from './submit-task.ts';

/** Errors: `too-many-requests`, with `retryAfterSeconds` in its details. */
export type AdmitTask = (task: {
  readonly agent: string;
  readonly tenant: string;
  readonly taskId: string;
  readonly sessionId: string | null;
}) => void;

export interface AdmitTaskSettings {
  readonly kafka: Pick<KafkaClient, 'admin'>;
  readonly executions: Pick<ExecutionList, 'list'>;
  readonly intake: FreshetConfig['intake'];
  readonly clock: Clock;
  /** Told of each task that is not taken on: `at` in microseconds since the Unix epoch. */
  readonly onRefused?: RefusalList['intake'];
}

/** Of one partition. */
interface Queue {
  readonly waiting: number;
  readonly byTenant: ReadonlyMap<string, number>;
}

const TASKS = TOPICS.tasks.name;
const LOOK_EVERY_MS = 1_000;
const MAX_BUCKETS = 10_000;
const EMPTY: Queue = { waiting: 0, byTenant: new Map() };
/** Waiting goes down as tasks end, which takes seconds. */
const RETRY_WHEN_FULL_SECONDS = 2;

export const createAdmitTask = ({
  kafka,
  executions,
  intake,
  clock,
  onRefused,
}: AdmitTaskSettings): AdmitTask => {
  const buckets = new LRUCache<string, TokenBucket>({ max: MAX_BUCKETS });
  let queues: readonly Queue[] = [];
  let lookedAt = Number.NEGATIVE_INFINITY;
  let looking = false;
  /** Taken on since the look began whose answer is awaited. */
  let meanwhile: { readonly partition: number; readonly tenant: string }[] = [];

  const pendingBy = (partition: number): Queue['byTenant'] => {
    const byTenant = new Map<string, number>();
    for (const { tenant, sessionId, taskId } of executions.list({
      state: 'pending',
      limit: Number.POSITIVE_INFINITY,
    })) {
      if (tenant === null || partitionOf(taskId, sessionId) !== partition) continue;
      byTenant.set(tenant, (byTenant.get(tenant) ?? 0) + 1);
    }
    return byTenant;
  };

  const look = async (): Promise<void> => {
    looking = true;
    meanwhile = [];
    try {
      const [ends, commits] = await Promise.all([
        kafka.admin.offsets(TASKS),
        kafka.admin.committed(AGENTS_GROUP, TASKS),
      ]);
      const next: Queue[] = [];
      for (const { partition, from, latest } of behindOf(ends, commits)) {
        const waiting = latest - from;
        // Whose they are matters only where there are too many.
        next[partition] = {
          waiting,
          byTenant: waiting >= intake.maxWaiting ? pendingBy(partition) : new Map(),
        };
      }
      queues = next;
      for (const each of meanwhile) join(each.partition, each.tenant);
    } catch {
      // Kafka away: the append itself says so.
    } finally {
      lookedAt = performance.now();
      looking = false;
    }
  };

  const join = (partition: number, tenant: string): void => {
    const { waiting, byTenant } = queues[partition] ?? EMPTY;
    const next = new Map(byTenant).set(tenant, (byTenant.get(tenant) ?? 0) + 1);
    queues = Object.assign([...queues], { [partition]: { waiting: waiting + 1, byTenant: next } });
  };

  return ({ agent, tenant, taskId, sessionId }) => {
    if (!looking && performance.now() - lookedAt > LOOK_EVERY_MS) void look();
    const partition = partitionOf(taskId, sessionId);
    const { waiting, byTenant } = queues[partition] ?? EMPTY;
    const tenants = byTenant.size + (byTenant.has(tenant) ? 0 : 1);
    const place = { inPartition: waiting, ofTenant: byTenant.get(tenant) ?? 0, tenants };
    const refuse = (reason: string, retryAfterSeconds: number): never => {
      onRefused?.({ agent, tenant, reason, at: clock() });
      throw new FreshetError('too-many-requests', `${reason}; send it again later`, {
        details: { retryAfterSeconds },
      });
    };
    if (!mayJoin(place, intake.maxWaiting))
      refuse('more tasks wait than the agents keep up with', RETRY_WHEN_FULL_SECONDS);
    const key = JSON.stringify([agent, tenant]);
    const limits = { perSecond: intake.tasksPerSecond, burst: intake.burst };
    const { bucket, verdict } = takeToken(buckets.get(key), limits, clock() / 1_000);
    buckets.set(key, bucket);
    if (!verdict.allowed)
      refuse(
        `more than ${intake.tasksPerSecond} tasks a second for ${agent}`,
        Math.max(1, Math.ceil(verdict.retryAfterMs / 1_000)),
      );
    join(partition, tenant);
    if (looking) meanwhile.push({ partition, tenant });
  };
};

const partitionOf = (taskId: string, sessionId: string | null): number =>
  partitionOfKey(Buffer.from(taskKeyOf(taskId, sessionId)), PARTITIONS);
