/** The order of claims as it must not be: every event counts, whoever wrote it. Loaded in the place of the right one. */
import {
  type EventPlace,
  type ExecutionOrder,
  advanceOrder as rightly,
} from '../../../schemas/execution-order.ts';

export * from '../../../schemas/execution-order.ts';

export const advanceOrder = (order: ExecutionOrder, event: EventPlace): ExecutionOrder | null =>
  rightly(order, event) ??
  (order.ended ? null : { ...order, sequence: event.sequence, ended: event.type === 'response' });
