/** Whether a MariaDB server's binlog carries what capture needs, from its variables alone. Pure. */
import type { SurveyFinding } from '../source-survey.ts';

/** Names in lower case, as SHOW GLOBAL VARIABLES gives them. */
export type ServerVariables = Readonly<Record<string, string>>;

export const VARIABLES = [
  'version',
  'log_bin',
  'binlog_format',
  'binlog_row_image',
  'server_id',
  'server_uid',
  'binlog_legacy_event_pos',
] as const;

interface Requirement {
  readonly name: (typeof VARIABLES)[number];
  readonly holds: (value: string) => boolean;
  readonly why: string;
  readonly change: string;
}

const REQUIREMENTS: readonly Requirement[] = [
  {
    name: 'log_bin',
    holds: (value) => value === 'ON',
    why: 'changes are read from the binlog',
    change: 'under [mariadbd] in its configuration: log_bin = binlog; then restart it',
  },
  {
    name: 'binlog_format',
    holds: (value) => value === 'ROW',
    why: 'statements do not say which rows they changed',
    change:
      "SET GLOBAL binlog_format = 'ROW'; and the same in its configuration; sessions that are open keep theirs",
  },
  {
    name: 'binlog_row_image',
    holds: (value) => value.startsWith('FULL'),
    why: 'columns left out of a change would be missing from its document',
    change:
      "SET GLOBAL binlog_row_image = 'FULL'; and the same in its configuration; sessions that are open keep theirs",
  },
  {
    name: 'server_id',
    holds: (value) => value !== '0',
    why: 'a server without one sends its binlog to nobody',
    change: 'SET GLOBAL server_id = 1; and the same in its configuration',
  },
  {
    name: 'binlog_legacy_event_pos',
    // Only newer servers have it: without it, events within a transaction carry no position of their own (rule V).
    holds: (value) => value !== 'OFF',
    why: 'changes within a transaction could not be put in order',
    change: 'SET GLOBAL binlog_legacy_event_pos = ON; and the same in its configuration',
  },
];

/** BINLOG MONITOR, and what Debezium's connector is made for. */
const OLDEST = [10, 5] as const;

const isMariaDb = (version: string): boolean => /mariadb/i.test(version);

/** Product and version; what is not MariaDB says no more than its version. */
export const serverName = ({ version = 'unknown' }: ServerVariables): string =>
  isMariaDb(version) ? `MariaDB ${version.split('-')[0]}` : version;

const serverFinding = (variables: ServerVariables): SurveyFinding => {
  const version = variables.version ?? 'unknown';
  const said = serverName(variables);
  if (!isMariaDb(version))
    return {
      ...{ check: 'server', ok: false },
      said: `the server is ${said}, not MariaDB: its binlog is of another kind`,
      change: 'point the source at a MariaDB server; MySQL itself is not supported yet',
    };
  const [major = 0, minor = 0] = version.split('.').map(Number.parseFloat);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]))
    return { check: 'server', ok: true, said };
  return {
    ...{ check: 'server', ok: false, said: `${said} is older than what can be captured` },
    change: `upgrade it to MariaDB ${OLDEST.join('.')} or newer`,
  };
};

export const binlogFindings = (variables: ServerVariables): readonly SurveyFinding[] => {
  const log = REQUIREMENTS.map(({ name, holds, why, change }): SurveyFinding => {
    const value = variables[name];
    // What this server does not know, it cannot do wrong; but the log itself must be there.
    if (value === undefined ? name !== 'log_bin' : holds(value))
      return { check: 'log', ok: true, said: `${name} = ${value ?? 'not known here'}` };
    return { check: 'log', ok: false, said: `${name} = ${value ?? 'unknown'}: ${why}`, change };
  });
  return [serverFinding(variables), ...log];
};
