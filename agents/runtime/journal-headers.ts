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

/** One object, filled: three of them spread into one were made for every record of a worker. */
export const journalHeadersOf = (
  event: AgentEvent,
  traceparent: string | undefined,
): Readonly<Record<string, string>> => {
  const headers: Record<string, string> = cloudEventHeaders({
    id: `${event.executionId}:${event.epoch}:${event.sequence}`,
    type: `freshet.agent-event.${event.type}`,
    source: 'freshet/agents',
    at: event.at,
  });
  if (traceparent !== undefined) headers[TRACEPARENT] = traceparent;
  if (isElsewhere(event)) headers[PAYLOAD_HEADER] = '1';
  return headers;
};
