/** Every adapter method. A new one is a folder under `methods/` and a line here. */
import { type AdapterConfig, methodOfType, optionsFromPeft, withoutInert } from './config.ts';
import { AdapterConfigError, shown } from './errors.ts';
import type { AdapterMethod } from './method.ts';
import { boft } from './methods/boft/index.ts';
import { dora } from './methods/dora/index.ts';
import { goft } from './methods/goft/index.ts';
import { lora } from './methods/lora/index.ts';
import { loraXs } from './methods/lora-xs/index.ts';
import { oft } from './methods/oft/index.ts';
import { pissa } from './methods/pissa/index.ts';
import { psoft } from './methods/psoft/index.ts';
import { qgoft } from './methods/qgoft/index.ts';
import { svft } from './methods/svft/index.ts';
import { vera } from './methods/vera/index.ts';
import { suggestion } from './nearest.ts';

export const METHODS = {
  psoft,
  lora,
  pissa,
  dora,
  oft,
  boft,
  vera,
  'lora-xs': loraXs,
  svft,
  goft,
  qgoft,
} as const;

/** A method's name on our side. */
export type MethodName = keyof typeof METHODS;

/** @throws AdapterConfigError that names the nearest methods */
export function methodNamed(name: string): AdapterMethod {
  const key = methodOfType(name);
  if (Object.hasOwn(METHODS, key)) return METHODS[key as MethodName] as unknown as AdapterMethod;
  throw new AdapterConfigError(`unknown adapter method "${name}"${suggestion(key, Object.keys(METHODS))}`);
}

/** The configuration in a parsed adapter_config.json. @throws AdapterConfigError */
export function configFromPeft(json: Readonly<Record<string, unknown>>): AdapterConfig {
  if (typeof json.peft_type !== 'string')
    throw new AdapterConfigError(
      `adapter_config.json: peft_type must be a method's name, got ${shown(json.peft_type)}`,
    );
  const method = methodNamed(json.peft_type);
  method.checkFile?.(json);
  return method.configure(withoutInert(optionsFromPeft(json), method.fields));
}
