export { HubError } from './errors.ts';
export { fetchModel } from './model.ts';
export type { HubRepo } from './names.ts';
export type { SessionOptions } from './session.ts';
export { hubSettings } from './settings.ts';
export { fetchSnapshot, type HubOptions, type Snapshot } from './snapshot.ts';
