/** A draft judged under settings that differ from the defaults. */
import { type Judgement, judgeDraft, NO_LOOKALIKES } from '../../../pipelines/gates/run-gates.ts';
import type { Draft } from '../../../pipelines/index-documents/draft.ts';
import {
  GATES_SCHEMA,
  type GateOverrides,
  type GateSettings,
  settingsOfTable,
} from '../../../schemas/gate-settings.ts';
import type { GateName } from '../../../schemas/gates.ts';

export const DEFAULTS = GATES_SCHEMA.parse({}) as GateSettings;
export const DRAFT: Draft = { title: 'Title', text: 'A text.', tenant: 'acme', metadata: { kind: 'a' } };

export const judge = (
  fields: Partial<Draft>,
  overrides: GateOverrides = {},
  released?: GateName,
): Judgement => {
  const settings = settingsOfTable(DEFAULTS, overrides);
  const context = {
    settings,
    documentId: 'shop/public.a/1',
    lookalikes: NO_LOOKALIKES,
    steps: () => undefined,
  };
  return judgeDraft({ ...DRAFT, ...fields }, context, released);
};
