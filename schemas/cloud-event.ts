/** CloudEvents headers of a record (binary mode for Kafka): what it is, whose, and when. Source: CloudEvents 1.0.2, Kafka binding. */
export interface CloudEvent {
  /** Unique within the source; of a record that may be written again, the same each time. */
  readonly id: string;
  /** freshet.<what the topic holds, singular>. */
  readonly type: string;
  /** freshet/<the part that wrote it>. */
  readonly source: string;
  /** Microseconds since the Unix epoch. */
  readonly at: number;
}

/** The headers by name, each with what it says. */
export const CLOUD_EVENT_HEADERS = {
  ce_specversion: 'Version of CloudEvents: 1.0.',
  ce_id: 'Unique within the source; the same for a record that is written again, where its writer said it.',
  ce_type: 'freshet. and what the record is, singular; its topic where its writer did not say.',
  ce_source: 'freshet/ and the part that wrote it.',
  ce_time: 'ISO 8601 in UTC.',
} as const;

export const cloudEventHeaders = ({
  id,
  type,
  source,
  at,
}: CloudEvent): Record<keyof typeof CLOUD_EVENT_HEADERS, string> => ({
  ce_specversion: '1.0',
  ce_id: id,
  ce_type: type,
  ce_source: source,
  ce_time: new Date(at / 1_000).toISOString(),
});
