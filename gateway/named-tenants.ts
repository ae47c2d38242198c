/**
 * Whose a record is, said once: what names no tenant is the configured one's, as it is for workers. Nothing that lists, finds, counts
 * or refuses has to know that some records came without.
 */
import type { RecordCodec } from '../connectors/registry/record-codec.ts';
import type { RecordName, Records } from '../schemas/records.ts';

/** Those that are somebody's; of others no tenant means all of them, or none. */
const OWNED: ReadonlySet<RecordName> = new Set(['Task', 'AgentEvent', 'TaskState', 'Result', 'Cost']);

/** Errors: as the codec's. What it writes is as it was given. */
export const nameTenants = (codec: RecordCodec, localTenant: string): RecordCodec => ({
  ...codec,
  decode: async <Name extends RecordName>(name: Name, value: Buffer | null): Promise<Records[Name]> => {
    const record = await codec.decode(name, value);
    return OWNED.has(name) && isNobodys(record) ? { ...record, tenant: localTenant } : record;
  },
});

const isNobodys = (record: object): boolean => 'tenant' in record && record.tenant === null;
