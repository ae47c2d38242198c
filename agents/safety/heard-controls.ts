/** What people say on freshet.control, as a worker's executions hear it. */
import type { ControlSignal } from '../../schemas/control-signals.ts';
import type { ExecutionControls } from '../runtime/execution-controls.ts';
import { type FollowControlSettings, type FollowedControl, followControl } from './follow-control.ts';
import { createViewControls, type ViewControls } from './view-controls.ts';

export interface HeardControls extends ExecutionControls {
  readonly view: FollowedControl['view'];
  close(): Promise<void>;
}

export interface HeardControlsSettings extends Pick<FollowControlSettings, 'kafka' | 'codec' | 'onTrouble'> {
  /** Whose an execution without a tenant is. */
  readonly localTenant: string;
}

/** Resolves when every signal that stands is known. Errors: `kafka-unavailable`. */
export const openHeardControls = async (settings: HeardControlsSettings): Promise<HeardControls> => {
  const { kafka, codec, onTrouble, localTenant } = settings;
  let controls: ViewControls | undefined;
  const onSignal = (signal: ControlSignal): void => controls?.tell(signal);
  const { view, close } = await followControl({ kafka, codec, onTrouble, onSignal });
  controls = createViewControls(view, localTenant);
  return { view, close, isCancelled: controls.isCancelled, open: controls.open };
};
