/**
 * A kind of source database, as one interface: all that Freshet needs to know of it beside Debezium's common envelope. A new
 * kind is a folder beside these and a line in source-kinds.ts.
 */
import type { SourceKindName } from '../../schemas/config.ts';
import type { TopicDefinition } from '../../schemas/topics.ts';
import type { ConnectorOffset } from '../debezium/connect-api.ts';
import type { CaptureOptions, ConnectorConfig } from '../debezium/connector-config.ts';
import type { ConnectorPlugin } from '../stack/install-plugin.ts';
import type { RowReader } from './row-reader.ts';
import type { RowScanner } from './row-scanner.ts';
import type { SourceClock } from './source-clock.ts';
import type { SourceSurvey } from './source-survey.ts';

/** The `source` part of Debezium's envelope: the fields that any of the kinds reads. */
export interface ChangeOrigin {
  /** Debezium's name of the connector that wrote it. */
  readonly connector?: string;
  readonly db?: string | null;
  readonly schema?: string | null;
  readonly table?: string | null;
  /** `false` or null: streamed. Otherwise read by a snapshot. */
  readonly snapshot?: string | null;
  readonly sequence?: string | null;
  readonly lsn?: bigint | null;
  /** Binlog file, byte position in it, and row within the event. */
  readonly file?: string | null;
  readonly pos?: bigint | null;
  readonly row?: number | null;
}

/** Parts of a version, the most significant first: unsigned, below 2^64. */
export type ChangePosition = readonly [bigint, bigint, ...bigint[]];

export interface PreparedSource {
  /** Tells this database server from every other one, and from itself after its log was made anew. */
  readonly identity: string;
  /** Whether a capture that was begun earlier can go on: its place in the log is held. */
  readonly resumes: boolean;
}

/** A source database as a place to read from, at one moment. */
export interface ObservedSource {
  /** Of the database and what capture has in it: another text, and the positions of before mean nothing. */
  readonly identity: string;
  /** The first position that can still be read (a slot's); undefined where the database keeps none for this source. */
  readonly heldFrom: string | undefined;
  /** The database has thrown away log that was held for this source. */
  readonly discarded: boolean;
  /** The end of the log. */
  readonly end: string;
  /** Log kept for this source; null where the database keeps it for all alike. */
  readonly retainedBytes: number | null;
}

/** Changes are missing between what was acknowledged and what can be read, or positions no longer mean what they meant. */
export const SOURCE_LOSSES = {
  'place-missing': 'its place in the log (the replication slot) is gone',
  'place-remade': 'its place in the log (the replication slot) was made anew, beyond what had been read',
  'place-discarded': 'the database discarded log that had not been read yet',
  'database-restored': 'the log ends before what was read: the database was restored',
  'identity-changed': 'it is another database than before, or its publication was made anew',
  'topic-remade': 'its change topic was deleted and made again',
  'offsets-missing': 'Kafka Connect has forgotten how far it had read',
} as const;

export type SourceLoss = keyof typeof SOURCE_LOSSES;

export interface TableShape {
  /** Tells the table from another of its name, made anew or renamed, as far as the database says so, and from itself under another primary key. */
  readonly identity: string;
  /** Types by column, in the database's own words. */
  readonly columns: Readonly<Record<string, string>>;
  /** Of these columns those that changes do not carry: generated ones, where the log leaves them out. */
  readonly uncarried?: readonly string[];
}
/** By schema.table; a table that is not there, or not to be seen, is left out. */
export type TableShapes = ReadonlyMap<string, TableShape>;

/** A row of the signal table: Debezium carries it out when it meets it in the log. */
export interface SourceSignal {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

/** Id of the row that stands in every signal table, so that every snapshot reads at least one row and tells its position. */
export const SNAPSHOT_MARK = 'freshet-mark';

type Place = Pick<CaptureOptions, 'source' | 'url'>;

export interface SourceKind {
  readonly kind: SourceKindName;
  /** What Debezium writes as `source.connector`. */
  readonly connectorName: string;
  /** How its URLs begin, without the colon. */
  readonly schemes: readonly string[];
  /** What its tables are called, for messages: `schema.table`. */
  readonly tableForm: string;
  /** Its connector, where that does not come with every stack. */
  readonly plugin?: ConnectorPlugin;
  /** Whether its log may leave out a value that an update left alone (TOAST). */
  readonly leavesOut: boolean;
  /** The database that a URL names; empty where it need not name one. Errors: `config-invalid` for a URL of another form. */
  databaseOf(url: string): string;
  /** Topics that its connector keeps beside the change topic. */
  ownTopics(source: string): readonly TopicDefinition[];
  /**
   * What the database says of itself, asked before it is used: whether capture can work for this user, and its tables.
   * Nothing is changed. Errors: `source-unavailable`, `config-invalid` for a URL of another form.
   */
  survey(place: Place): Promise<SourceSurvey>;
  /** The value that a column has most often among some rows, as text; undefined in an empty table. Errors: `source-unavailable`. */
  usualValue(place: Place, table: string, column: string): Promise<string | undefined>;
  /** Makes the database ready for capture; safe to repeat. Errors: `source-unavailable`, or `config-invalid` with what to change. */
  prepare(options: Pick<CaptureOptions, 'source' | 'url' | 'tables'>): Promise<PreparedSource>;
  /** Errors: `config-invalid` when the URL is of another form. */
  connectorConfig(options: CaptureOptions): ConnectorConfig;
  /** schema.table, as in freshet.config.ts. */
  tableOf(origin: ChangeOrigin): string;
  /** Rule V: greater for whatever the database did later. Throws where the fields hold no position. */
  changePosition(origin: ChangeOrigin): ChangePosition;
  /** The end of the log as text: what was committed before is at or below it. Errors: `source-unavailable`. */
  currentPosition(url: string): Promise<string>;
  /** A position's text as numbers that compare part by part. Errors: `request-invalid`. */
  parsePosition(text: string): readonly bigint[];
  /** What Kafka has acknowledged, of Connect's offsets (rule W); undefined while unknown: in a snapshot, or before the first flush. */
  acknowledgedPosition(offset: ConnectorOffset): string | undefined;
  /** Looks at the database. Asked before Connect's offsets: an intact place is then never ahead of them. Errors: `source-unavailable`. */
  observe(place: Place): Promise<ObservedSource>;
  /** What is lost, given Connect's offsets as read after the observation. Pure. */
  lossOf(observed: ObservedSource, offset: ConnectorOffset | undefined): SourceLoss | undefined;
  /** Whether Connect's offset is at or behind a change's position: what came before it is acknowledged. Pure. */
  hasPassed(offset: ConnectorOffset, position: readonly bigint[]): boolean;
  /** What the tables are now. Errors: `source-unavailable`. */
  shapes(place: Place, tables: readonly string[]): Promise<TableShapes>;
  /** Gives up the place in the log; capture then begins anew. Safe to repeat. Errors: `source-unavailable`. */
  release(place: Place): Promise<void>;
  /** Statements for a person that remove all that capture made in the database. */
  removal(source: string): readonly string[];
  /** The table of signals to this source's connector, made by `prepare`: schema.table. */
  signalTable(source: string): string;
  /** Whether a table holds any row. Errors: `source-unavailable`. */
  hasRows(place: Place, table: string): Promise<boolean>;
  /** Writes a signal and removes those of before. False where it stood there already. Errors: `source-unavailable`. */
  signal(place: Place, signal: SourceSignal): Promise<boolean>;
  /** Where its log stands and what its clock says, again and again. `prepare` makes the table of its probe rows. */
  openClock(url: string): SourceClock;
  /** Whole tables, for comparing them with the index. */
  openScan(url: string): RowScanner;
  /** Single rows as they are now. */
  openRows(url: string): RowReader;
}
