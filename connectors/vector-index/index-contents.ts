/**
 * What an index holds and where: the graphs, the rows too recent for them, and the logs that remember those. A write is in
 * the log before it is in memory, so what is acknowledged is there after kill -9.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { FreshetError } from '../../schemas/errors.ts';
import { CrashMarker } from '../document-table/crash-marker.ts';
import { IdleFlush } from '../document-table/idle-flush.ts';
import type { Standing } from './background-build.ts';
import { type Graph, openBuiltGraph, openGraph } from './graph.ts';
import { GraphBuilder } from './graph-builder.ts';
import {
  graphFolder,
  logNumbers,
  logPath,
  type Manifest,
  mayName,
  sweep,
  writeManifest,
} from './index-files.ts';
import { compareHits } from './recent-rows.ts';
import { RemovedLogs } from './removed-logs.ts';
import { flushLog, type LogEntry, RowLog, readLog } from './row-log.ts';
import { type ByLevel, LEVELS, type Level, replacedBy, Tiers } from './tiers.ts';
import type { VectorHit } from './vector-index.ts';
import type { HashedQuery, HashedRow } from './zvec-rows.ts';

const REBUILD = '`freshet index rebuild` makes it anew from the log';

type Graphs = Readonly<Partial<Record<Level, Graph | undefined>>>;

const byLevel = <Of>(make: (level: Level) => Of): ByLevel<Of> => ({
  large: make('large'),
  small: make('small'),
});

export class IndexContents {
  readonly #folder: string;
  readonly #idle: IdleFlush;
  readonly #tiers = new Tiers();
  readonly #builder = new GraphBuilder();
  /** The last one is written to; while a build runs, the one before tells what goes into it. */
  readonly #logs: RowLog[] = [];
  readonly #removed: RemovedLogs;
  #manifest: Manifest;
  #lastLog: number;
  #lastGraph: number;
  #graphs: Graphs;
  /** Replaced, but a listing still reads them. */
  readonly #retired = new Set<Graph>();

  /** Use openContents. */
  constructor(folder: string, manifest: Manifest, marker: CrashMarker, graphs: Graphs) {
    this.#folder = folder;
    this.#manifest = manifest;
    this.#lastLog = manifest.log;
    this.#lastGraph = Math.max(manifest.graph, manifest.small);
    this.#graphs = graphs;
    this.#idle = new IdleFlush(marker, async () => {
      await Promise.all([...this.#logs, this.#removed].map((log) => log.flushed()));
    });
    this.#removed = new RemovedLogs(folder, this.#idle);
  }

  get standing(): Pick<Standing, 'built' | 'removed' | 'recent'> {
    const { size, hidden } = this.#tiers;
    return {
      built: byLevel((level) => this.#graphs[level]?.count ?? 0),
      removed: byLevel((level) => hidden[level].size),
      recent: size,
    };
  }

  /** Of the vectors outside the graphs: as they came, and scaled for comparing. */
  get recentBytes(): number {
    return 2 * this.#tiers.size * this.#manifest.dimensions * Float32Array.BYTES_PER_ELEMENT;
  }

  /** Of the logs that tell of recent rows. */
  get logBytes(): number {
    return this.#logs.reduce((sum, log) => sum + log.bytes, 0);
  }

  get count(): number {
    const { built, removed, recent } = this.standing;
    return LEVELS.reduce((sum, level) => sum + built[level] - removed[level], recent);
  }

  /** Reads the logs, and opens the last for writing or begins one. Errors: `index-corrupt`. */
  replay(): void {
    const { graph } = this.#manifest;
    const noted = graph === 0 ? new Set<string>() : this.#removed.open(graph);
    for (const id of noted) this.#tiers.remove(id, ['large']);
    const logs = logNumbers(this.#folder, this.#manifest.log);
    for (const log of logs) {
      const path = logPath(this.#folder, log);
      const { entries, bytes } = readLog(path);
      if (log !== logs.at(-1) && bytes !== statSync(path).size)
        throw new FreshetError('index-corrupt', `${path} ends within a record; ${REBUILD}`);
      this.#apply(entries);
      this.#lastLog = log;
      if (log === logs.at(-1)) this.#logs.push(new RowLog(path, bytes));
      // Left by a build that a kill cut short: from here on the last one alone is flushed.
      else flushLog(path);
    }
    if (logs.length === 0) this.#logs.push(new RowLog(logPath(this.#folder, this.#manifest.log), 0));
    // None, but in an index of the first format, which had one log for both.
    this.#removed.note([...this.#tiers.hidden.large].filter((id) => !noted.has(id)));
  }

  /** Rows that are there already are left as they are: equal ids are equal rows. */
  write(rows: readonly HashedRow[]): void {
    const levelsOf = this.#levelsOf(rows.map(({ id }) => id));
    const missing = new Map(
      rows.filter(({ id }) => !this.#tiers.has(id, levelsOf(id))).map((row) => [row.id, row]),
    );
    this.#append([...missing.values()].map((row) => ({ kind: 'row', row })));
    for (const row of missing.values()) this.#tiers.add(row);
  }

  remove(ids: readonly string[]): void {
    const levelsOf = this.#levelsOf(ids);
    const held = [...new Set(ids)].filter((id) => this.#tiers.has(id, levelsOf(id)));
    const isVisibleInLarge = (id: string): boolean =>
      levelsOf(id).includes('large') && !this.#tiers.hidden.large.has(id);
    const inLarge = held.filter(isVisibleInLarge);
    const others = held.filter((id) => !isVisibleInLarge(id));
    // First, as a log that tells of it may end with the next small graph; and what is noted is removed, whatever comes.
    this.#removed.note(inLarge);
    this.#hide(inLarge, levelsOf);
    this.#append(held.map((id) => ({ kind: 'removed', id })));
    this.#hide(others, levelsOf);
  }

  has(ids: readonly string[]): readonly string[] {
    const levelsOf = this.#levelsOf(ids);
    return ids.filter((id) => this.#tiers.has(id, levelsOf(id)));
  }

  /** As of the first one asked for. */
  *ids(): Iterable<string> {
    const hidden = byLevel((level) => new Set(this.#tiers.hidden[level]));
    const recent = this.#tiers.ids();
    const graphs = this.#graphs;
    // All of them before any is read: builds that end meanwhile retire those that come later, too.
    for (const level of LEVELS) graphs[level]?.hold();
    try {
      for (const level of LEVELS)
        for (const id of graphs[level]?.ids() ?? []) if (!hidden[level].has(id)) yield id;
    } finally {
      for (const level of LEVELS) graphs[level]?.release();
    }
    yield* recent;
  }

  async query(query: HashedQuery): Promise<readonly VectorHit[]> {
    // All of them as of now: a row that moves into the next graph meanwhile is in one of them, and in one only. The graphs are
    // asked first, as their threads look while this one compares.
    const { hidden } = this.#tiers;
    const asked = Promise.all(LEVELS.map((level) => this.#graphs[level]?.query(query, hidden[level]) ?? []));
    const recent = this.#tiers.query(query);
    return [...recent, ...(await asked).flat()].sort(compareHits).slice(0, query.topK);
  }

  /** Takes recent rows into the next graph of a level. On an error everything stays as it was. */
  async build(into: Level, threads: number): Promise<void> {
    const { [into]: last, small } = this.#graphs;
    const log = this.#lastLog + 1;
    this.#logs.push(new RowLog(logPath(this.#folder, log), 0));
    this.#lastLog = log;
    const { rows, dropped } = this.#tiers.freeze(into);
    const number = this.#lastGraph + 1;
    this.#lastGraph = number;
    const folder = graphFolder(this.#folder, number);
    const { dimensions } = this.#manifest;
    let next: Graph | undefined;
    try {
      if (into === 'large') this.#removed.begin(number);
      await this.#builder.build({
        ...{ folder, dimensions, rows, threads, removed: [...dropped[into]] },
        last: last && { folder: last.folder, count: last.count },
        merged: into === 'large' && small ? { folder: small.folder, count: small.count } : undefined,
        removedOfMerged: into === 'large' ? [...dropped.small] : [],
      });
      next = openBuiltGraph(folder);
      // Nothing is awaited from here on until it serves: what is removed then is noted for it.
      this.#removed.requireNext();
      const named =
        into === 'large' ? { graph: number, small: 0 } : { graph: this.#manifest.graph, small: number };
      this.#manifest = writeManifest(this.#folder, { ...named, dimensions, log });
    } catch (thrown) {
      // First: of rows that stay frozen the next build knows nothing, and it ends the logs that tell of them.
      this.#tiers.thaw();
      // Its rename may have happened though writing it failed: the next opening may find either, so what either names stays.
      const kept = next !== undefined && mayName(this.#folder, log);
      // What cannot be removed now is swept at the next opening.
      await (kept ? next?.close() : next?.discard())?.catch(() => undefined);
      // Its entries are still needed at the next opening, so they have to be on disk before nobody flushes them. Those that
      // are not stay among what is flushed.
      await this.#idle.now().then(
        () => this.#endLogs(),
        () => undefined,
      );
      this.#removed.abandon(kept);
      throw thrown;
    }
    const replaced = replacedBy(into).flatMap((level) => this.#graphs[level] ?? []);
    this.#graphs = into === 'large' ? { large: next } : { ...this.#graphs, small: next };
    this.#tiers.advance();
    this.#removed.advance();
    for (const graph of replaced) this.#retire(graph);
    this.#endLogs();
    try {
      const listed = [...this.#retired].map((graph) => graph.folder);
      sweep(this.#folder, this.#manifest, listed);
    } catch {
      // The graph serves: what cannot be removed now is swept at the next opening.
    }
  }

  /**
   * Waits for queries and ends listings; reads the graphs for their checksums. Of what is removed next (`forGood`) nothing is read or
   * brought to disk. What fails keeps nothing else open.
   */
  async close(forGood: boolean): Promise<void> {
    this.#idle.stop();
    this.#builder.close();
    const ended = await Promise.allSettled([
      forGood ? this.#idle.settled() : this.#idle.now(),
      ...[...this.#retired].map((graph) => graph.discard()),
      ...LEVELS.map((level) => (forGood ? this.#graphs[level]?.discard() : this.#graphs[level]?.close())),
    ]);
    this.leave();
    for (const each of ended) if (each.status === 'rejected') throw each.reason;
  }

  /** The build under way fails, as if its process had been killed. */
  giveUpBuild(): void {
    this.#builder.kill();
  }

  /** Lets go of the logs as they are, and leaves the graphs to whoever opened them. */
  leave(): void {
    this.#idle.stop();
    for (const log of [...this.#logs, this.#removed]) log.close();
  }

  /** But for the last. */
  #endLogs(): void {
    for (const log of this.#logs.splice(0, this.#logs.length - 1)) log.close();
  }

  #retire(graph: Graph): void {
    this.#retired.add(graph);
    // What cannot be removed now is swept at the next opening.
    const done = (): unknown => this.#retired.delete(graph);
    graph.retire().then(done, done);
  }

  #levelsOf(ids: readonly string[]): (id: string) => readonly Level[] {
    const held = byLevel((level) => new Set(this.#graphs[level]?.has(ids) ?? []));
    return (id) => LEVELS.filter((level) => held[level].has(id));
  }

  /** In memory; and on disk, should a next large graph have them. */
  #hide(ids: readonly string[], levelsOf: (id: string) => readonly Level[]): void {
    this.#removed.noteNext(ids.filter((id) => this.#tiers.isVisibleInNext(id, levelsOf(id))));
    for (const id of ids) this.#tiers.remove(id, levelsOf(id));
  }

  #append(entries: readonly LogEntry[]): void {
    if (entries.length === 0) return;
    this.#idle.writing();
    this.#logs.at(-1)?.append(entries);
  }

  #apply(entries: readonly LogEntry[]): void {
    const levelsOf = this.#levelsOf(entries.map((entry) => (entry.kind === 'row' ? entry.row.id : entry.id)));
    for (const entry of entries) {
      if (entry.kind === 'removed') this.#tiers.remove(entry.id, levelsOf(entry.id));
      else if (!this.#tiers.has(entry.row.id, levelsOf(entry.row.id))) this.#tiers.add(entry.row);
    }
  }
}

/**
 * Opens what a folder holds, nothing where the manifest is undefined. Errors: `index-corrupt` where a checksum fails, the
 * machine went down before the log was on disk, or it could not be flushed.
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
      `what was written to ${folder} may not all be on disk: the machine went down, or a flush failed; ${REBUILD}`,
    );
  const manifest = found ?? writeManifest(folder, { dimensions, graph: 0, small: 0, log: 1 });
  sweep(folder, manifest);
  const open = (number: number): Promise<Graph> | undefined =>
    number === 0 ? undefined : openGraph(graphFolder(folder, number));
  const large = await open(manifest.graph);
  let small: Graph | undefined;
  let contents: IndexContents | undefined;
  try {
    small = await open(manifest.small);
    contents = new IndexContents(folder, manifest, marker, { large, small });
    contents.replay();
    return contents;
  } catch (thrown) {
    // Its files may be removed next.
    contents?.leave();
    await Promise.allSettled([large?.close(), small?.close()]);
    throw thrown;
  }
};
