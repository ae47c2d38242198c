import { startLoadProcess } from './load-process.ts';

export interface UpsertLoad {
  /** Resolves to how many updates there were, once all are acknowledged. */
  stop(): Promise<number>;
}

/** Updates of synthetic documents at a fixed rate, until they are stopped. */
export const startUpsertLoad = (settings: {
  readonly broker: string;
  readonly registry: string;
  readonly documents: number;
  readonly smallTenantEvery: number;
  readonly perSecond: number;
}): UpsertLoad => {
  const load = startLoadProcess('upsert-process.ts', settings);
  return {
    stop: async () => {
      load.end();
      return Number(await load.printed);
    },
  };
};
