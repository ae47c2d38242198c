import type { SourceKind } from '../source-kind.ts';
import { postgresConnectorConfig } from './connector-config.ts';
import { readCurrentLsn } from './current-lsn.ts';
import { observePostgres } from './observe-postgres.ts';
import { postgresAddress } from './postgres-address.ts';
import { openPostgresClock } from './postgres-clock.ts';
import { postgresLoss } from './postgres-loss.ts';
import { acknowledgedLsn, parseLsn, postgresChangePosition, reachedLsn } from './postgres-position.ts';
import { openPostgresRows } from './postgres-rows.ts';
import { postgresShapes } from './postgres-shapes.ts';
import { preparePostgres } from './prepare-postgres.ts';
import { postgresRemoval, releasePostgres } from './release-postgres.ts';
import { openPostgresScan } from './scan-postgres.ts';
import { postgresHasRows, signalPostgres, signalTable } from './signal-postgres.ts';
import { postgresUsualValue, surveyPostgres } from './survey-postgres.ts';

/** PostgreSQL 13 and newer, by logical decoding (pgoutput). Positions are LSNs. */
export const POSTGRES: SourceKind = {
  kind: 'postgres',
  connectorName: 'postgresql',
  schemes: ['postgres', 'postgresql'],
  tableForm: 'schema.table',
  leavesOut: true,
  databaseOf: (url) => postgresAddress(url).database,
  ownTopics: () => [],
  survey: surveyPostgres,
  usualValue: postgresUsualValue,
  prepare: async (options) => {
    const { systemIdentifier, slotExists } = await preparePostgres(options);
    return { identity: systemIdentifier, resumes: slotExists };
  },
  connectorConfig: postgresConnectorConfig,
  tableOf: ({ schema, table }) => `${schema ?? ''}.${table ?? ''}`,
  changePosition: postgresChangePosition,
  currentPosition: readCurrentLsn,
  parsePosition: parseLsn,
  acknowledgedPosition: acknowledgedLsn,
  observe: observePostgres,
  lossOf: postgresLoss,
  hasPassed: (offset, position) => (reachedLsn(offset) ?? 0n) >= (position[1] ?? 0n),
  shapes: postgresShapes,
  release: releasePostgres,
  removal: postgresRemoval,
  signalTable,
  hasRows: postgresHasRows,
  signal: signalPostgres,
  openClock: openPostgresClock,
  openScan: openPostgresScan,
  openRows: openPostgresRows,
};
