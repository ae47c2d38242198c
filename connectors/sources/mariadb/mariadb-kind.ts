import { fileURLToPath } from 'node:url';
import { probeTable } from '../../../schemas/probe.ts';
import { schemaHistoryTopic } from '../../../schemas/topics.ts';
import type { SourceKind } from '../source-kind.ts';
import { mariadbConnectorConfig } from './connector-config.ts';
import { readBinlogPosition } from './current-position.ts';
import { openMariaDbClock } from './mariadb-clock.ts';
import { mariadbAddress } from './mariadb-connection.ts';
import {
  acknowledgedBinlogPosition,
  mariadbChangePosition,
  mariadbHasPassed,
  parseBinlogPosition,
} from './mariadb-position.ts';
import { openMariaDbRows } from './mariadb-rows.ts';
import { mariadbShapes } from './mariadb-shapes.ts';
import { mariadbLoss, observeMariaDb } from './observe-mariadb.ts';
import { prepareMariaDb } from './prepare-mariadb.ts';
import { openMariaDbScan } from './scan-mariadb.ts';
import { mariadbHasRows, signalMariaDb, signalTable } from './signal-mariadb.ts';
import { mariadbUsualValue, surveyMariaDb } from './survey-mariadb.ts';

/** MariaDB 10.5 and newer, by its binlog. Positions are file:offset; tables are database.table. */
export const MARIADB: SourceKind = {
  kind: 'mariadb',
  connectorName: 'mariadb',
  schemes: ['mysql', 'mariadb'],
  tableForm: 'database.table',
  plugin: { name: 'debezium-mariadb', pomDirectory: fileURLToPath(new URL('plugin', import.meta.url)) },
  leavesOut: false,
  databaseOf: (url) => mariadbAddress(url).database,
  ownTopics: (source) => [schemaHistoryTopic(source)],
  survey: surveyMariaDb,
  usualValue: mariadbUsualValue,
  prepare: prepareMariaDb,
  connectorConfig: mariadbConnectorConfig,
  tableOf: ({ db, table }) => `${db ?? ''}.${table ?? ''}`,
  changePosition: mariadbChangePosition,
  currentPosition: readBinlogPosition,
  parsePosition: parseBinlogPosition,
  acknowledgedPosition: acknowledgedBinlogPosition,
  observe: observeMariaDb,
  lossOf: mariadbLoss,
  hasPassed: mariadbHasPassed,
  shapes: mariadbShapes,
  // The binlog is kept for all readers alike: there is no place to give up.
  release: async () => undefined,
  removal: (source) => [`DROP TABLE ${signalTable(source)}, ${probeTable(source)};`],
  signalTable,
  hasRows: mariadbHasRows,
  signal: signalMariaDb,
  openClock: openMariaDbClock,
  openScan: openMariaDbScan,
  openRows: openMariaDbRows,
};
