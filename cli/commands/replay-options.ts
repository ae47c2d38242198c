import type { Consent } from '../consent.ts';

/** What `freshet replay` was asked, as commander hands it on. */
export interface ReplayOptions extends Consent {
  readonly toOffset?: string;
  readonly behaviour?: string;
  readonly fromStep?: string;
  readonly compensate?: boolean;
  readonly maxUsd?: string;
  readonly maxSteps?: string;
  readonly config?: string;
}
