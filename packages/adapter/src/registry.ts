/** Every adapter method. A new one is a folder under `methods/` and a line here. */
import { type AdapterConfig, optionsFromPeft } from './config.ts';
import { AdapterConfigError, shown } from './errors.ts';
import type { AdapterMethod } from './method.ts';
import { psoft } from './methods/psoft/index.ts';
import { suggestion } from './nearest.ts';

export const METHODS = { psoft } as const;

/** A method's name on our side: PEFT's peft_type in lower case. */
export type MethodName = keyof typeof METHODS;

/** @throws AdapterConfigError that names the nearest methods */
export function methodNamed(name: string): AdapterMethod {
  const key = name.toLowerCase();
  if (Object.hasOwn(METHODS, key)) return METHODS[key as MethodName] as unknown as AdapterMethod;
  throw new AdapterConfigError(`unknown adapter method "${name}"${suggestion(key, Object.keys(METHODS))}`);
}

/** The configuration in a parsed adapter_config.json. @throws AdapterConfigError */
export function configFromPeft(json: Readonly<Record<string, unknown>>): AdapterConfig {
  if (typeof json.peft_type !== 'string')
    throw new AdapterConfigError(
      `adapter_config.json: peft_type must be a method's name, got ${shown(json.peft_type)}`,
    );
  return methodNamed(json.peft_type).configure(optionsFromPeft(json));
}
