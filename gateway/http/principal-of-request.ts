/**
 * Who asks, and what for. Without credentials, which is on loopback alone, the principal is `local` with all rights,
 * and may name a tenant; with credentials the tenant will come from them alone (attack 4). Every route asks here.
 */
import type { FastifyRequest } from 'fastify';
import { FreshetError } from '../../schemas/errors.ts';

export interface Principal {
  readonly name: string;
  /** Null: any. */
  readonly tenant: string | null;
}

const LOCAL: Principal = { name: 'local', tenant: null };

export const principalOfRequest = (_: FastifyRequest): Principal => LOCAL;

/** The tenant that a request works as: the principal's own, else the one it names, else the configured one. */
export const tenantOf = (principal: Principal, named: string | undefined, localTenant: string): string =>
  principal.tenant ?? named ?? localTenant;

/** Whose things a list shows; undefined: everybody's. */
export const visibleTenant = (principal: Principal, named: string | undefined): string | undefined =>
  principal.tenant ?? named;

/** What concerns all tenants is no one tenant's to change. `what`: is done, such as `budgets are set`. Errors: `forbidden`. */
export const requireOperator = ({ tenant }: Principal, what: string): void => {
  if (tenant !== null) throw new FreshetError('forbidden', `${what} by an operator of all tenants`);
};

/** Who asks for one thing by its id: a request whose query may name a tenant. */
export interface Asker {
  readonly principal: Principal;
  readonly query: { readonly tenant?: string | undefined };
}

/** Whether a thing of a tenant (null: of the configured one) is shown to whoever asks; where not, it is as if it were not there (I9). */
export const isShownTo = ({ principal, query }: Asker, of: string | null, localTenant: string): boolean => {
  const visible = visibleTenant(principal, query.tenant);
  return visible === undefined || visible === (of ?? localTenant);
};
