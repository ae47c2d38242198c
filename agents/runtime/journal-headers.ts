/**
 * The headers of a journal event: CloudEvents, the trace of its execution, and whether something of it stands elsewhere, so that a
 * search need not decode the rest.
 */
import { isElsewhere } from '../../connectors/payloads/payload-reader.ts';
import { cloudEventHeaders } from '../../schemas/cloud-event.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { TRACEPARENT } from '../../schemas/trace-context.ts';

/** There on records whose event refers to a payload. */
export const PAYLOAD_HEADER = 'freshet_payload';

export const journalHeadersOf = (
  event: AgentEvent,
  traceparent: string | undefined,
): Readonly<Record<string, string>> => ({
  ...cloudEventHeaders({
    id: `${event.executionId}:${event.epoch}:${event.sequence}`,
    type: `freshet.agent-event.${event.type}`,
    source: 'freshet/agents',
    at: event.at,
  }),
  ...(traceparent === undefined ? {} : { [TRACEPARENT]: traceparent }),
  ...(isElsewhere(event) ? { [PAYLOAD_HEADER]: '1' } : {}),
});
