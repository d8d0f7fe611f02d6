/** What a model is used for. */
export const TASKS = ['sequence-classification', 'masked-lm', 'image-classification', 'causal-lm'] as const;

export type Task = (typeof TASKS)[number];
