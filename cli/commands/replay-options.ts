/** What `freshet replay` was asked, as commander hands it on. */
export interface ReplayOptions {
  readonly toOffset?: string;
  readonly behaviour?: string;
  readonly fromStep?: string;
  readonly compensate?: boolean;
  readonly maxUsd?: string;
  readonly maxSteps?: string;
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly config?: string;
  readonly json?: boolean;
}
