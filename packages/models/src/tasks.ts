/** What a model is used for. */
export const TASKS = ['sequence-classification', 'masked-lm', 'image-classification'] as const;

export type Task = (typeof TASKS)[number];
