/**
 * What an index holds and where: the graph, the rows too recent for it, and the logs that remember those. A write is in
 * the log before it is in memory, so what is acknowledged is there after kill -9.
 */
import { closeSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FreshetError } from '../../schemas/errors.ts';
import { CrashMarker } from '../document-table/crash-marker.ts';
import { IdleFlush } from '../document-table/idle-flush.ts';
import { type Graph, openBuiltGraph, openGraph } from './graph.ts';
import { GraphBuilder } from './graph-builder.ts';
import { graphFolder, logNumbers, logPath, type Manifest, sweep, writeManifest } from './index-files.ts';
import { compareHits } from './recent-rows.ts';
import { type LogEntry, RowLog, readLog } from './row-log.ts';
import { Tiers } from './tiers.ts';
import type { VectorHit } from './vector-index.ts';
import type { HashedQuery, HashedRow } from './zvec-rows.ts';

const REBUILD = '`freshet index rebuild` makes it anew from the log';

export class IndexContents {
  readonly #folder: string;
  readonly #idle: IdleFlush;
  readonly #tiers = new Tiers();
  readonly #builder = new GraphBuilder();
  /** The last one is written to; while a build runs, the one before tells what goes into it. */
  readonly #logs: RowLog[] = [];
  #manifest: Manifest;
  #lastLog: number;
  #graph: Graph | undefined;
  /** Replaced, but a listing still reads them. */
  readonly #retired = new Set<Graph>();

  /** Use openContents. */
  constructor(folder: string, manifest: Manifest, marker: CrashMarker, graph: Graph | undefined) {
    this.#folder = folder;
    this.#manifest = manifest;
    this.#lastLog = manifest.log;
    this.#graph = graph;
    this.#idle = new IdleFlush(marker, async () => {
      await Promise.all(this.#logs.map((log) => log.flushed()));
    });
  }

  get standing(): { readonly built: number; readonly pending: number } {
    const { size, hidden } = this.#tiers;
    return { built: this.#graph?.count ?? 0, pending: Math.max(size, hidden.size) };
  }

  /** Of the vectors outside the graph: as they came, and scaled for comparing. */
  get recentBytes(): number {
    return 2 * this.#tiers.size * this.#manifest.dimensions * Float32Array.BYTES_PER_ELEMENT;
  }

  get count(): number {
    return (this.#graph?.count ?? 0) - this.#tiers.hidden.size + this.#tiers.size;
  }

  /** Reads the logs, and opens the last for writing or begins one. Errors: `index-corrupt`. */
  replay(): void {
    const logs = logNumbers(this.#folder, this.#manifest.log);
    for (const log of logs) {
      const path = logPath(this.#folder, log);
      const { entries, bytes } = readLog(path);
      if (log !== logs.at(-1) && bytes !== statSync(path).size)
        throw new FreshetError('index-corrupt', `${path} ends within a record; ${REBUILD}`);
      this.#apply(entries);
      this.#lastLog = log;
      if (log === logs.at(-1)) this.#logs.push(new RowLog(path, bytes));
    }
    if (logs.length === 0) this.#logs.push(this.#newLog(this.#manifest.log));
  }

  /** Rows that are there already are left as they are: equal ids are equal rows. */
  write(rows: readonly HashedRow[]): void {
    const inGraph = this.#inGraph(rows.map(({ id }) => id));
    const missing = new Map(
      rows.filter(({ id }) => !this.#tiers.has(id, inGraph.has(id))).map((row) => [row.id, row]),
    );
    this.#append([...missing.values()].map((row) => ({ kind: 'row', row })));
    for (const row of missing.values()) this.#tiers.add(row);
  }

  remove(ids: readonly string[]): void {
    const inGraph = this.#inGraph(ids);
    const held = [...new Set(ids)].filter((id) => this.#tiers.has(id, inGraph.has(id)));
    this.#append(held.map((id) => ({ kind: 'removed', id })));
    for (const id of held) this.#tiers.remove(id, inGraph.has(id));
  }

  has(ids: readonly string[]): readonly string[] {
    const inGraph = this.#inGraph(ids);
    return ids.filter((id) => this.#tiers.has(id, inGraph.has(id)));
  }

  /** As of the first one asked for. */
  *ids(): Iterable<string> {
    const hidden = new Set(this.#tiers.hidden);
    const recent = this.#tiers.ids();
    for (const id of this.#graph?.ids() ?? []) if (!hidden.has(id)) yield id;
    yield* recent;
  }

  async query(query: HashedQuery): Promise<readonly VectorHit[]> {
    // Both tiers as of now: a row that moves into the next graph meanwhile is in one of them, and in one only. The graph is
    // asked first, as its threads look while this one compares.
    const asked = this.#graph?.query(query, this.#tiers.hidden);
    const recent = this.#tiers.query(query);
    const built = (await asked) ?? [];
    return [...recent, ...built].sort(compareHits).slice(0, query.topK);
  }

  /** Takes recent rows into the next graph. On an error everything stays as it was. */
  async build(threads: number): Promise<void> {
    const last = this.#graph;
    const log = this.#lastLog + 1;
    this.#logs.push(this.#newLog(log));
    this.#lastLog = log;
    const { rows, removed } = this.#tiers.freeze();
    const number = this.#manifest.graph + 1;
    const folder = graphFolder(this.#folder, number);
    const { dimensions } = this.#manifest;
    let next: Graph;
    try {
      const base = last && { folder: last.folder, count: last.count };
      await this.#builder.build({ folder, dimensions, last: base, removed, rows, threads });
      next = openBuiltGraph(folder);
      this.#manifest = writeManifest(this.#folder, { dimensions, graph: number, log });
    } catch (thrown) {
      this.#tiers.thaw();
      // Its entries are still needed at the next opening, so they have to be on disk before nobody flushes them.
      await this.#endLogs((ended) => ended.flushed());
      throw thrown;
    }
    this.#graph = next;
    this.#tiers.advance();
    await this.#endLogs(() => Promise.resolve());
    sweep(this.#folder, this.#manifest, last?.folder);
    if (last !== undefined) this.#retire(last);
  }

  /** Waits for queries and ends listings; reads the graph for its checksums. */
  async close(): Promise<void> {
    this.#idle.stop();
    this.#builder.close();
    try {
      await this.#idle.now();
      await Promise.all([...this.#retired].map((graph) => graph.discard()));
      await this.#graph?.close();
    } finally {
      for (const log of this.#logs) log.close();
    }
  }

  async #endLogs(before: (log: RowLog) => Promise<void>): Promise<void> {
    const ended = this.#logs.slice(0, -1);
    await Promise.all(ended.map(before));
    for (const log of ended) log.close();
    this.#logs.splice(0, ended.length);
  }

  #retire(graph: Graph): void {
    this.#retired.add(graph);
    // What cannot be removed now is swept at the next opening.
    const done = (): unknown => this.#retired.delete(graph);
    graph.retire().then(done, done);
  }

  #inGraph(ids: readonly string[]): ReadonlySet<string> {
    return new Set(this.#graph?.has(ids) ?? []);
  }

  #append(entries: readonly LogEntry[]): void {
    if (entries.length === 0) return;
    this.#idle.writing();
    this.#logs.at(-1)?.append(entries);
  }

  #apply(entries: readonly LogEntry[]): void {
    const inGraph = this.#inGraph(entries.map((entry) => (entry.kind === 'row' ? entry.row.id : entry.id)));
    for (const entry of entries) {
      if (entry.kind === 'removed') this.#tiers.remove(entry.id, inGraph.has(entry.id));
      else if (!this.#tiers.has(entry.row.id, inGraph.has(entry.row.id))) this.#tiers.add(entry.row);
    }
  }

  #newLog(log: number): RowLog {
    const path = logPath(this.#folder, log);
    closeSync(openSync(path, 'w'));
    return new RowLog(path, 0);
  }
}

/**
 * Opens what a folder holds, nothing where the manifest is undefined. Errors: `index-corrupt` where a checksum fails, or
 * the machine went down before the log was on disk.
 */
export const openContents = async (
  folder: string,
  dimensions: number,
  found: Manifest | undefined,
): Promise<IndexContents> => {
  const marker = new CrashMarker(join(folder, 'state'));
  if (found !== undefined && marker.torn)
    throw new FreshetError(
      'index-corrupt',
      `the machine went down while ${folder} was written to; ${REBUILD}`,
    );
  const manifest = found ?? writeManifest(folder, { dimensions, graph: 0, log: 1 });
  sweep(folder, manifest);
  const graph = manifest.graph === 0 ? undefined : await openGraph(graphFolder(folder, manifest.graph));
  const contents = new IndexContents(folder, manifest, marker, graph);
  contents.replay();
  return contents;
};
