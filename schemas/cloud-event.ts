/** CloudEvents headers of a record (binary mode for Kafka): what it is, whose, and when. Source: CloudEvents 1.0.2, Kafka binding. */
export interface CloudEvent {
  /** Unique within the source; the same for a record that is written again. */
  readonly id: string;
  /** freshet.<what the topic holds, singular>. */
  readonly type: string;
  /** freshet/<the part that wrote it>. */
  readonly source: string;
  /** Microseconds since the Unix epoch. */
  readonly at: number;
}

export const cloudEventHeaders = ({ id, type, source, at }: CloudEvent): Record<string, string> => ({
  ce_specversion: '1.0',
  ce_id: id,
  ce_type: type,
  ce_source: source,
  ce_time: new Date(at / 1_000).toISOString(),
});
