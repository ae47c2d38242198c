/** The same however often it is handed over. */
export const subtaskIdOf = (executionId: string, step: number): string => `${executionId}:${step}`;
