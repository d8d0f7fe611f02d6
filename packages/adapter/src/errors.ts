import { LineError } from '@psoft/engine/errors';

export { shown } from '@psoft/engine/errors';

/** An adapter that cannot be built, loaded or merged as asked. The message is one line: place, problem, value, remedy. */
export class AdapterError extends LineError {
  override readonly name: string = 'AdapterError';
}

/** A setting that is unknown, impossible or contradicts another one. */
export class AdapterConfigError extends AdapterError {
  override readonly name: string = 'AdapterConfigError';
}

/** Says that something was asked for that will have no effect. Goes to Node's process warnings, as `AdapterWarning`. */
export function warn(message: string): void {
  process.emitWarning(message, 'AdapterWarning');
}
