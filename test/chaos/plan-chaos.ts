/**
 * What a chaos run does, made of its seed alone: which tasks come when, and which faults strike what when. The same
 * seed gives the same plan; what the processes make of it depends on the machine. Pure.
 */
import type { ChaosPlan, ChaosTerms } from './chaos-plan.ts';
import { planFaults } from './plan-faults.ts';
import { dayUsdOf, planTasks } from './plan-tasks.ts';

export const planChaos = (terms: ChaosTerms): ChaosPlan => {
  const tasks = planTasks(terms);
  return { seed: terms.seed, tasks, faults: planFaults(terms), dayUsd: dayUsdOf(tasks) };
};
