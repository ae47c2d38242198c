import type { Topic } from '../topic.ts';
import { DEVICE_POLICIES } from './device-policies.ts';
import { DEVICE_SETTINGS } from './device-settings.ts';
import { DEVICE_SETUP } from './device-setup.ts';
import { DEVICE_SPECIFICATIONS } from './device-specifications.ts';
import { DEVICE_TROUBLE } from './device-trouble.ts';
import { PLACES, PLANS } from './places-and-plans.ts';
import { SOFTWARE } from './software.ts';

export type Scope = 'device' | 'software' | 'place' | 'plan';

/** Every question the help centre answers, by what it is about. */
export const TOPICS = {
  device: [
    ...DEVICE_SETUP,
    ...DEVICE_TROUBLE,
    ...DEVICE_SPECIFICATIONS,
    ...DEVICE_POLICIES,
    ...DEVICE_SETTINGS,
  ],
  software: SOFTWARE,
  place: PLACES,
  plan: PLANS,
} as const satisfies Record<Scope, readonly Topic[]>;
