/**
 * A change of embedding model, as a state that operators move on and everybody else follows (freshet.control, key
 * `embedding:documents`). A lane is a model with the topic of its documents; `base` is the one that freshet.documents is
 * embedded with. Pure.
 */
import { FreshetError } from './errors.ts';
import type { Control } from './records.ts';
import { TOPICS, type TopicDefinition } from './topics.ts';

export interface ModelLanes {
  /** Of the configuration. */
  readonly base: string;
  /** Answers searches. */
  readonly serving: string;
  /** Is being filled, or filled and ready to be cut over to. */
  readonly candidate: string | null;
  /** Served before, is kept current, and can be reverted to. */
  readonly previous: string | null;
  /** Documents a second that are embedded again; what changes meanwhile is not held to it. */
  readonly backfillPerSecond: number;
  /** Milliseconds since the Unix epoch at which a model was last given up: searches of the past reach back no further. */
  readonly reachesBackTo: number;
}

export type LaneCommand =
  | { readonly action: 'reembed'; readonly model: string; readonly backfillPerSecond: number }
  | { readonly action: 'cutover' | 'revert' | 'abandon' }
  /** `at`: milliseconds since the Unix epoch. `answering`: each model that an index replica answers with, or still goes by. */
  | { readonly action: 'finish'; readonly at: number; readonly answering: readonly string[] };

/** The lanes with the command that made them what they are; null where none did. */
export interface StandingLanes {
  readonly lanes: ModelLanes;
  readonly control: Control | null;
  /** Of the command: one more than of the one that it goes on from. */
  readonly step: number;
}

export const LANES_KEY = 'embedding:documents';
export const DEFAULT_BACKFILL_PER_SECOND = 200;

export const initialLanes = (base: string): ModelLanes => ({
  base,
  serving: base,
  candidate: null,
  previous: null,
  backfillPerSecond: DEFAULT_BACKFILL_PER_SECOND,
  reachesBackTo: 0,
});

export const nothingAsked = (base: string): StandingLanes => ({
  lanes: initialLanes(base),
  control: null,
  step: 0,
});

const conflict = (message: string): never => {
  throw new FreshetError('conflict', message);
};

/** The state after a command. Errors: `conflict`, saying which command is possible. */
export const moveLanes = (lanes: ModelLanes, command: LaneCommand): ModelLanes => {
  const { serving, candidate, previous } = lanes;
  switch (command.action) {
    case 'reembed': {
      const { model, backfillPerSecond } = command;
      if (model === serving) return conflict(`${model} serves already`);
      if (model === lanes.base)
        return conflict(`${model} was given up; name it anew in embedding.models to come back to it`);
      if (candidate !== null && candidate !== model)
        return conflict(`${candidate} is being filled; run: freshet index abandon --yes`);
      if (previous === model)
        return conflict(`${model} served before and is current; run: freshet index revert --yes`);
      if (previous !== null)
        return conflict(`${previous} is kept to revert to; run: freshet index finish --yes`);
      return { ...lanes, candidate: model, backfillPerSecond };
    }
    case 'cutover':
      if (candidate === null)
        return conflict('no model is being filled; run: freshet index reembed --model <name>');
      return { ...lanes, serving: candidate, candidate: null, previous: serving };
    case 'revert':
      if (previous === null) return conflict('there is no model to revert to');
      return { ...lanes, serving: previous, candidate: serving, previous: null };
    case 'finish': {
      if (previous === null) return conflict('nothing is kept that could be dropped');
      // Its documents come without vectors from then on: whoever answers with it would lose each one that changes.
      const other = command.answering.find((model) => model !== serving);
      if (other !== undefined)
        return conflict(`an index replica answers with ${other} still; see: freshet index lanes`);
      return { ...lanes, previous: null, reachesBackTo: command.at };
    }
    case 'abandon':
      if (candidate === null) return conflict('no model is being filled');
      return { ...lanes, candidate: null };
    default:
      return command satisfies never;
  }
};

/** Lanes that an index keeps current. */
export const lanesKept = ({ serving, candidate, previous }: ModelLanes): readonly string[] => [
  ...new Set([serving, candidate, previous].filter((name) => name !== null)),
];

/** The lane whose log goes back furthest: of two the other was begun beside it. */
export const longestLane = (lanes: ModelLanes): string =>
  embedsBase(lanes) ? lanes.base : (lanes.previous ?? lanes.serving);

/** Lanes that are filled from freshet.documents. */
export const lanesFilled = (lanes: ModelLanes): readonly string[] =>
  lanesKept(lanes).filter((name) => name !== lanes.base);

/** False once the configured model is no lane any more: freshet.documents then carries texts and no vectors. */
export const embedsBase = (lanes: ModelLanes): boolean => lanesKept(lanes).includes(lanes.base);

/** Where a lane's documents stand: same partitions, keys and versions as freshet.documents, other chunks and vectors. */
export const documentsTopic = (lanes: Pick<ModelLanes, 'base'>, model: string): TopicDefinition =>
  model === lanes.base
    ? TOPICS.documents
    : { ...TOPICS.documents, name: `${TOPICS.documents.name}.${model}` };

/** `from`: what the command goes on from; one that says nothing of it goes on from whatever stands. */
export const valuesOfLanes = (lanes: ModelLanes, from?: StandingLanes): Readonly<Record<string, string>> => ({
  base: lanes.base,
  serving: lanes.serving,
  ...(lanes.candidate === null ? {} : { candidate: lanes.candidate }),
  ...(lanes.previous === null ? {} : { previous: lanes.previous }),
  backfillPerSecond: String(lanes.backfillPerSecond),
  reachesBackTo: String(lanes.reachesBackTo),
  ...(from && { from: from.control?.id ?? '', step: String(from.step + 1) }),
});

/**
 * What a record says, for a configuration whose model is `base`. Errors: `config-invalid` when freshet.documents was begun
 * with another model: its vectors would be mixed.
 */
export const lanesOfControl = ({ values }: Control, base: string): ModelLanes => {
  if (values.base !== undefined && values.base !== base)
    throw new FreshetError(
      'config-invalid',
      `freshet.documents holds vectors of ${values.base}: keep embedding.model at it, and change the model by: freshet index reembed --model ${base}`,
    );
  return {
    base,
    serving: values.serving ?? base,
    candidate: values.candidate ?? null,
    previous: values.previous ?? null,
    backfillPerSecond: Number(values.backfillPerSecond) || DEFAULT_BACKFILL_PER_SECOND,
    reachesBackTo: Number(values.reachesBackTo) || 0,
  };
};

/** Says once more what holds. */
export const saidAgain = (control: Control, { step }: Pick<StandingLanes, 'step'>): Control => ({
  ...control,
  values: { ...control.values, from: control.id, step: String(step) },
});

/**
 * What stands after the next command of the log; null: its end by hand. Of two that go on from the same the first in the log holds
 * and the other is void. By steps, which compaction leaves as they are: whoever has read the last that holds agrees with everybody,
 * whichever of those before were gone. Errors: `config-invalid` (see lanesOfControl).
 */
export const lanesAfter = (standing: StandingLanes, control: Control | null): StandingLanes => {
  const { base } = standing.lanes;
  if (control === null) return nothingAsked(base);
  const { id, values, at } = control;
  const said = Number(values.step) || undefined;
  const isAgain = values.from === id;
  const isVoid = said !== undefined && (isAgain ? said < standing.step : said <= standing.step);
  // One that says nothing of it holds whatever stands, and what goes on from it is later than all that was counted before.
  return isVoid ? standing : { lanes: lanesOfControl(control, base), control, step: said ?? at };
};
