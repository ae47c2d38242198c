/** An alert as a record of freshet.alerts: whoever raises it writes the same. */
import type { RecordToAppend } from '../../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { cloudEventHeaders } from '../../schemas/cloud-event.ts';
import type { Alert } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';

export const alertKey = ({ source, kind }: Pick<Alert, 'source' | 'kind'>): string => `${source}/${kind}`;

/** `source`: the part that writes it. */
export const alertRecord = (
  codec: Pick<RecordCodec, 'encode'>,
  alert: Alert,
  source: 'freshet/gateway' | 'freshet/track-freshness',
): RecordToAppend => {
  const key = alertKey(alert);
  return {
    topic: TOPICS.alerts.name,
    key,
    value: codec.encode('Alert', alert),
    headers: cloudEventHeaders({ id: `${key}@${alert.at}`, type: 'freshet.alert', source, at: alert.at }),
  };
};
