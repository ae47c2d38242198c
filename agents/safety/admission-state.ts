/**
 * Whether a task may join those that wait: a bound for each partition, fair between tenants. Below the bound everyone may;
 * above it only who has less than an equal share of it waiting, and at twice the bound nobody. Pure.
 */
export interface Waiting {
  /** Records of the task's partition that no worker has finished. */
  readonly inPartition: number;
  /** Of them, of the task's tenant. */
  readonly ofTenant: number;
  /** Tenants that have tasks waiting, this one among them. */
  readonly tenants: number;
}

export const mayJoin = ({ inPartition, ofTenant, tenants }: Waiting, bound: number): boolean => {
  if (inPartition < bound) return true;
  return inPartition < 2 * bound && ofTenant < bound / Math.max(1, tenants);
};
