/**
 * The index of each embedding model that is kept, and the one that answers. A search is one lane's from its query's vector to its
 * hits, so none mixes models. A switch waits until the other lane covers all that was visible, with nothing applied meanwhile: no
 * document goes back (I4). What is wanted stands on freshet.control, so a process that is killed goes on where it stood.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { IndexService } from '../../connectors/index-service/index-service.ts';
import type { LaneService, LaneStatus } from '../../connectors/index-service/lane-service.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { EmbeddingModel } from '../../connectors/models/embedding/embedding-model.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { documentsTopic, lanesKept, longestLane, type ModelLanes } from '../../schemas/model-lanes.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { followLanes } from '../follow-lanes.ts';
import { reembedGroup } from '../reembed-documents/reembed-documents.ts';
import type { IndexRole, IndexRoleSettings } from './index-role.ts';
import type { Lane } from './lane.ts';
import { type LaneCoverage, openLaneCoverage } from './lane-coverage.ts';
import { measureLanes } from './measure-lanes.ts';

export interface ModelLanesSettings {
  /** Of this index role. */
  readonly name: string;
  readonly kafka: KafkaClient;
  readonly codec: RecordCodec;
  readonly base: string;
  readonly openModel: (name: string) => Promise<EmbeddingModel>;
  /** `lane` is null for the base, which keeps the names it has without any change of model. */
  readonly openIndex: (
    lane: string | null,
    model: EmbeddingModel,
    settings: Pick<IndexRoleSettings, 'topic' | 'serves' | 'reachesBackTo'> &
      Partial<Pick<IndexRoleSettings, 'coverage'>>,
  ) => Promise<IndexRole>;
  /**
   * Removes what lanes other than these left behind, in this run or before it. One that is open is emptied first where its vectors
   * are kept elsewhere.
   */
  readonly keepOnly: (lanes: readonly (string | null)[]) => Promise<void>;
  readonly remote: boolean;
  readonly onSwitch: (model: string) => void;
  readonly onTrouble: (error: Error) => void;
}

export interface ModelLanesService extends IndexService, LaneService {
  current(): boolean;
  waiting(): number;
  oldest(): number | undefined;
  /** Of the lane that answers. */
  trouble(): Error | null;
  stop(): Promise<void>;
}

/** What is shown by now has to be covered within this, and then the rest with nothing applied. */
const SWITCH_WITHIN_MS = 2_000;
/** Records behind at which a switch is tried. */
const NEAR = 2_000;

export const openModelLanes = async (settings: ModelLanesSettings): Promise<ModelLanesService> => {
  const { kafka, base } = settings;
  const partitions = await kafka.admin.partitionCount(TOPICS.documents.name);
  const numbers = Array.from({ length: partitions }, (_, partition) => partition);
  const open = new Map<string, Lane & { readonly coverage: LaneCoverage | undefined }>();
  let answering: string | undefined;

  const openLane = async (lanes: ModelLanes, name: string): Promise<void> => {
    if (open.has(name)) return;
    const topic = documentsTopic(lanes, name);
    if (name !== base) await kafka.admin.createTopics([topic]);
    const coverage =
      name === base ? undefined : openLaneCoverage(kafka, topic.name, reembedGroup(name), settings.onTrouble);
    const model = await settings.openModel(name);
    try {
      const role = await settings.openIndex(name === base ? null : name, model, {
        topic: topic.name,
        serves: () => answering === name,
        reachesBackTo: () => (name === base ? 0 : follower.lanes().reachesBackTo),
        ...(coverage ? { coverage } : {}),
      });
      open.set(name, { name, model, role, coverage });
    } catch (error) {
      coverage?.close();
      await model.close();
      throw error;
    }
  };

  const closeLane = async (name: string): Promise<void> => {
    const lane = open.get(name);
    if (!lane) return;
    open.delete(name);
    lane.coverage?.close();
    await lane.role.stop();
    await lane.model.close();
  };

  const behind = async (role: IndexRole): Promise<number> =>
    (await kafka.admin.offsets(TOPICS.documents.name)).reduce(
      (sum, { partition, latest, earliest }) =>
        sum + Math.max(0, latest - Math.max(earliest, role.covered(partition))),
      0,
    );

  const laneOf = (name: string | undefined): Lane => {
    const lane = open.get(name ?? '');
    if (!lane) throw new FreshetError('index-unavailable', `the index of ${name} is not open yet`);
    return lane;
  };

  /** Errors: `index-unavailable` while the other lane is too far behind: tried again. */
  const switchTo = async (name: string): Promise<void> => {
    const [from, to] = [laneOf(answering), laneOf(name)];
    const tooFar = (): never => {
      throw new FreshetError(
        'index-unavailable',
        `${name} does not cover yet what ${from.name} shows; it answers on`,
      );
    };
    const untilCovers = async (wanted: (partition: number) => number): Promise<void> => {
      const deadline = performance.now() + SWITCH_WITHIN_MS;
      while (numbers.some((partition) => to.role.covered(partition) < wanted(partition))) {
        if (performance.now() > deadline) tooFar();
        await sleep(5);
      }
    };
    if ((await behind(to.role)) > NEAR) tooFar();
    // First with nothing held: one whose model is down would stop the lane that answers, at every try.
    const shown = numbers.map(from.role.covered);
    await untilCovers((partition) => shown[partition] ?? 0);
    await from.role.holding(async () => {
      await untilCovers(from.role.covered);
      answering = name;
    });
    settings.onSwitch(name);
  };

  const follower = await followLanes({
    ...settings,
    onLanes: async (lanes) => {
      if (answering === undefined) {
        await openLane(lanes, lanes.serving);
        answering = lanes.serving;
      }
      for (const name of lanesKept(lanes)) await openLane(lanes, name);
      if (answering !== lanes.serving) await switchTo(lanes.serving);
      for (const name of [...open.keys()]) {
        if (lanesKept(lanes).includes(name)) continue;
        const { role: left } = laneOf(name);
        // Held until it is closed: what was applied behind the emptying would stay there for good.
        await left.holding(async () => {
          if (settings.remote) await left.using(({ index }) => index.clear());
          await closeLane(name);
        });
      }
      await settings.keepOnly(lanesKept(lanes).map((name) => (name === base ? null : name)));
    },
  });

  const role = (): IndexRole => laneOf(answering).role;
  /** The past is one model's too. */
  const rememberer = (): IndexRole => open.get(longestLane(follower.lanes()))?.role ?? role();
  return {
    search: (request, signal) => (request.asOf === undefined ? role() : rememberer()).search(request, signal),
    covers: (asked, signal) => role().covers(asked, signal),
    describe: (ids) => role().describe(ids),
    floor: (source, table) => role().floor(source, table),
    list: (source, table) => role().list(source, table),
    restore: (ids) => role().restore(ids),
    document: (id) => role().document(id),
    status: () => role().status(),
    watermarks: () => role().watermarks(),
    rebuild: () => role().rebuild(),
    current: () => role().current(),
    waiting: () => role().waiting(),
    oldest: () => role().oldest(),
    trouble: () => role().trouble(),
    lanes: async () => ({
      wanted: follower.lanes(),
      answering: laneOf(answering).name,
      lanes: await Promise.all(
        [...open.values()].map(async (lane): Promise<LaneStatus> => {
          const { documents, rows } = await lane.role.status();
          return {
            model: lane.name,
            modelId: lane.model.id,
            documents,
            rows,
            behind: await behind(lane.role),
          };
        }),
      ),
    }),
    measure: async (queries) => {
      const { candidate } = follower.lanes();
      if (candidate === null)
        throw new FreshetError(
          'conflict',
          'no model is being filled; run: freshet index reembed --model <name>',
        );
      const to = laneOf(candidate);
      return {
        ...(await measureLanes(laneOf(answering), to, numbers, queries)),
        behind: await behind(to.role),
      };
    },
    stop: async () => {
      await follower.close();
      for (const name of [...open.keys()]) await closeLane(name);
    },
  };
};
