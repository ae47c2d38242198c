/** Whether a MariaDB user may do what capture does, from what SHOW GRANTS says. Pure. */
import type { SurveyFinding } from '../source-survey.ts';

/** What each is for; the second name is the one of MySQL and of MariaDB before 10.5. */
const GLOBAL: readonly { readonly names: readonly string[]; readonly why: string }[] = [
  { names: ['REPLICATION SLAVE'], why: 'read the binlog' },
  { names: ['BINLOG MONITOR', 'REPLICATION CLIENT'], why: 'ask for the position in the binlog' },
  { names: ['RELOAD'], why: 'hold writes for a moment while the snapshot begins' },
];

const SIGNALS = 'freshet';
/** Probe rows are written over (UPDATE), snapshots read both tables, and a delete looks for its rows (SELECT). */
const OWN = ['CREATE', 'SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const;

interface Grant {
  readonly privileges: readonly string[];
  /** `*.*`, `shop.*`, `shop.articles` */
  readonly on: string;
}

const parse = (line: string): Grant | undefined => {
  const [, privileges, on] = /^GRANT (.+?) ON (\S+) TO /.exec(line) ?? [];
  return privileges === undefined || on === undefined
    ? undefined
    : { privileges: privileges.split(/, ?/), on: on.replaceAll('`', '') };
};

/** An account as GRANT takes it, from what CURRENT_USER() gives. */
export const accountOf = (user: string): string => {
  const at = user.lastIndexOf('@');
  return `'${user.slice(0, at)}'@'${user.slice(at + 1)}'`;
};

const parseAll = (lines: readonly string[]): readonly Grant[] =>
  lines.map(parse).filter((grant) => grant !== undefined);

const gives = (grant: Grant, names: readonly string[]): boolean =>
  grant.privileges.some((each) => each === 'ALL PRIVILEGES' || names.includes(each));

/**
 * Of tables those that these grants say may be read whole. Of the others, whose rights come by a pattern, a column or a role, they say
 * nothing.
 */
export const surelyReadable = (lines: readonly string[], tables: readonly string[]): ReadonlySet<string> => {
  const places = new Set(
    parseAll(lines)
      .filter((grant) => gives(grant, ['SELECT']))
      // A name's own _ and % stand escaped where a pattern may stand.
      .map(({ on }) => on.replace(/\\([_%])/g, '$1')),
  );
  return new Set(
    tables.filter((table) => [table, `${table.split('.')[0]}.*`, '*.*'].some((place) => places.has(place))),
  );
};

/** `user`: as CURRENT_USER() gives it, `name@host`. */
export const grantFindings = (user: string, lines: readonly string[]): readonly SurveyFinding[] => {
  const grants = parseAll(lines);
  const holds = (on: (grant: Grant) => boolean, names: readonly string[]): boolean =>
    grants.some((grant) => on(grant) && gives(grant, names));
  const account = accountOf(user);
  const findings = GLOBAL.map(({ names, why }): SurveyFinding => {
    const [name = ''] = names;
    return holds(({ on }) => on === '*.*', names)
      ? { check: 'permission', ok: true, said: `${user} may ${why}` }
      : {
          ...{ check: 'permission', ok: false, said: `${user} may not ${why}` },
          change: `GRANT ${name} ON *.* TO ${account};`,
        };
  });
  const signals = OWN.every((privilege) =>
    holds(({ on }) => on === '*.*' || on === `${SIGNALS}.*`, [privilege]),
  );
  return [
    ...findings,
    signals
      ? { check: 'permission', ok: true, said: `${user} may keep signals in the database ${SIGNALS}` }
      : {
          ...{ check: 'permission', ok: false },
          said: `${user} may not keep its table of signals in a database ${SIGNALS}`,
          change: `GRANT ALL PRIVILEGES ON ${SIGNALS}.* TO ${account};`,
        },
  ];
};
