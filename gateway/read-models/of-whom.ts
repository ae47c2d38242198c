/** What a list is narrowed to; whatever is left out, any. */
export interface OfWhom {
  readonly tenant?: string | undefined;
  readonly agent?: string | undefined;
}

export const isOf =
  ({ tenant, agent }: OfWhom) =>
  (each: { readonly tenant: string | null; readonly agent: string }): boolean =>
    (tenant === undefined || each.tenant === tenant) && (agent === undefined || each.agent === agent);
