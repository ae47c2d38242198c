/** Stages that say how far they are behind, in the order of the flow: labels of freshet_consumer_lag_*. */
export const LAG_STAGES = ['index-documents', 'apply-index', 'agents'] as const;
export type LagStage = (typeof LAG_STAGES)[number];
