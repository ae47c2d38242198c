/** How a comparison of sources and index ends, from what all of its tables came to. Pure. */
import { FreshetError } from '../../schemas/errors.ts';

export interface VerifySums {
  /** Documents that differ and were not mended. */
  readonly left: number;
  readonly unsettled: number;
}

/** What is to be said of them; empty where all is equal. */
export const differences = ({ left, unsettled }: VerifySums, repair: boolean): string =>
  [
    ...(left > 0
      ? [`${left} documents differ from their source${repair ? ' still' : ', mend them with --repair'}`]
      : []),
    ...(unsettled > 0
      ? [
          `${unsettled} could not be told from changes in flight, or their mapping fails; compare again once freshet freshness status shows the source covered`,
        ]
      : []),
  ].join('; ');

/** What it fails with. A table or more that could not be compared, or what ended it, has the exit code: no sum stands for all then. */
export const verifyFailure = (sums: VerifySums, repair: boolean, thrown: unknown): unknown => {
  const said = differences(sums, repair);
  if (said === '') return thrown;
  if (thrown === undefined) return new FreshetError('check-failed', said);
  return thrown instanceof FreshetError
    ? new FreshetError(thrown.code, `${said}; ${thrown.message}`, { cause: thrown })
    : thrown;
};
