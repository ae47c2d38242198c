import { FreshetError } from '../../../schemas/errors.ts';

/**
 * The models an agent uses, in the order it names them, or all in the order of the configuration where it names none.
 * Pure. Errors: `config-invalid` for a name that is not configured, and for a list without a name.
 */
export const modelsFor = <Model extends { readonly id: string }>(
  agent: { readonly name: string; readonly models?: readonly string[] | undefined },
  models: readonly Model[],
): readonly Model[] => {
  if (agent.models === undefined) return models;
  const known = models.map(({ id }) => id).join(', ') || 'none';
  if (agent.models.length === 0)
    throw new FreshetError('config-invalid', `agent ${agent.name}: models: name at least one of ${known}`);
  return [...new Set(agent.models)].map((id) => {
    const model = models.find((each) => each.id === id);
    if (!model)
      throw new FreshetError(
        'config-invalid',
        `agent ${agent.name}: there is no model ${id}; there are: ${known}`,
      );
    return model;
  });
};
