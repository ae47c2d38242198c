/** How a change of embedding model stands at one index, and what it measured. Bodies of GET /lanes and POST /lanes/measure. */
import type { ModelLanes } from '../../schemas/model-lanes.ts';

export interface LaneStatus {
  /** Name in the configuration. */
  readonly model: string;
  /** With all that changes a vector. */
  readonly modelId: string;
  readonly documents: number;
  readonly rows: number;
  /** Records of freshet.documents that it does not cover yet. */
  readonly behind: number;
}

export interface LanesStatus {
  readonly wanted: ModelLanes;
  /** The lane that answers here: it becomes `wanted.serving` once that one covers as much. */
  readonly answering: string;
  readonly lanes: readonly LaneStatus[];
}

/** Each model that a replica answers with, or goes by as long as it has not heard of the last command. */
export const answeringOf = ({ wanted, answering }: LanesStatus): readonly string[] => [
  ...new Set([answering, wanted.serving]),
];

/** Rows above which recall is not measured: each of them is compared with every question. */
export const MOST_ROWS_COMPARED = 50_000;

/** One lane, asked the titles of documents by vectors alone. */
export interface LaneMeasure {
  readonly model: string;
  readonly queries: number;
  /** Share of the queries that found their document among the first ten. */
  readonly found: number;
  /** Of a search with its query's embedding, milliseconds. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Share of the ten nearest that the index finds, against a comparison with every row; null: not measured, with more than MOST_ROWS_COMPARED or nothing to ask for. */
  readonly recall: number | null;
}

export interface LaneComparison {
  readonly serving: LaneMeasure;
  readonly candidate: LaneMeasure;
  /** Share of the first ten documents that both give. Low is no fault: another model ranks otherwise. */
  readonly overlap: number;
  readonly behind: number;
}

export interface LaneService {
  lanes(): Promise<LanesStatus>;
  /** Errors: `conflict` when no model is being filled. */
  measure(queries: number): Promise<LaneComparison>;
}
