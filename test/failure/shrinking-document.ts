/** One document whose versions have as many chunks as asked for, all of them new. */

import { bytesOfVector } from '../../connectors/vector-index/vector-codec.ts';
import { rowIdOf } from '../../pipelines/apply-index/index-rows.ts';
import type { Document } from '../../schemas/records.ts';
import { recordOf } from '../pipelines/document-histories.ts';

export const DIMENSIONS = 8;

export const versionOf = (version: number, chunks: number): Document => ({
  ...recordOf({ kind: 'document', table: 'public.a', key: 1 }, version),
  model: 'm',
  chunks: Array.from({ length: chunks }, (_, at) => ({
    // The first chunk stays as it is: an edit leaves most of a document alone.
    hash: at === 0 ? 'first' : `${version}-${at}`,
    start: at,
    end: at + 1,
    vector: bytesOfVector(
      Float32Array.from({ length: DIMENSIONS }, (__, axis) => (axis === at % DIMENSIONS ? 1 : 0.1)),
    ),
  })),
});

export const rowsOf = (record: Document): readonly string[] =>
  record.chunks.map((chunk) => rowIdOf(record, chunk.hash));
