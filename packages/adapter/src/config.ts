/** What the configurations of all methods share: construction from a table of fields, and PEFT's file form. */
import { AdapterConfigError, shown, warn } from './errors.ts';
import { type COMMON_FIELDS, type Fields, type Options, readFields, type Values } from './fields.ts';

/** PEFT's release whose file layout is written. */
const PEFT_VERSION = '0.21.2';

/** Keys of PEFT's files that say nothing about the adapter's computation. */
const IGNORED_KEYS = new Set([
  'peft_type',
  'peft_version',
  'auto_mapping',
  'inference_mode',
  'fan_in_fan_out',
]);

export interface ConfigBase {
  /** The method's name in PEFT's files: "PSOFT". */
  readonly peftType: string;
  /** The method's name on our side: "psoft". PEFT has one type for LoRA, DoRA and PiSSA. */
  readonly method: string;
  /** The contents of adapter_config.json. */
  toPeft(): Record<string, unknown>;
}

export interface AdapterConfig extends ConfigBase, Values<typeof COMMON_FIELDS> {}

export type ConfigClass<F extends Fields> = { new (options: Options<F>): Values<F> & ConfigBase };

/**
 * A base class whose instances hold the values of `fields`, checked.
 * @param peftType as in PEFT's files
 */
export function configClass<F extends Fields>(peftType: string, fields: F): ConfigClass<F> {
  class Config {
    constructor(options: Options<F>) {
      const values = readFields(methodOfType(peftType), fields, options);
      checkTargets(methodOfType(peftType), values as unknown as AdapterConfig);
      Object.assign(this, values);
    }

    // Not an own property: spreading a configuration gives its settings only.
    get peftType(): string {
      return peftType;
    }

    get method(): string {
      return methodOfType(peftType);
    }

    toPeft(): Record<string, unknown> {
      const own = Object.entries(this).map(([key, value]) => [snakeCase(key), value ?? null]);
      const file = {
        ...Object.fromEntries(own),
        auto_mapping: null,
        fan_in_fan_out: false,
        inference_mode: true,
        peft_type: peftType,
        peft_version: PEFT_VERSION,
      };
      return Object.fromEntries(Object.entries(file).sort(([a], [b]) => (a < b ? -1 : 1)));
    }
  }
  return Config as unknown as ConfigClass<F>;
}

/** "LORA_XS" is lora-xs. */
export function methodOfType(peftType: string): string {
  return peftType.toLowerCase().replaceAll('_', '-');
}

/**
 * Warns of settings without effect. Each row says that a setting only acts when another one has a certain value.
 */
export function warnUnused<C extends AdapterConfig>(
  config: C,
  fields: Fields,
  rows: readonly (readonly [keyof C & string, keyof C & string, unknown])[],
): void {
  for (const [name, condition, value] of rows)
    if (config[name] !== fields[name]!.initial && config[condition] !== value)
      warn(
        `${config.method}: ${name} = ${config[name]} has no effect: it is only used when ${condition} is ${value}, here it is ${config[condition]}`,
      );
}

/**
 * The settings in a parsed adapter_config.json, under our names. null means left out, as in PEFT.
 * @throws AdapterConfigError if the weights are declared to be stored transposed
 */
export function optionsFromPeft(json: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (json.fan_in_fan_out === true)
    throw new AdapterConfigError(
      'adapter_config.json: fan_in_fan_out is true, but weights here are always [out, in]; only linear layers are supported',
    );
  const options: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(json))
    if (!IGNORED_KEYS.has(key) && value !== null) options[camelCase(key)] = value;
  return options;
}

/** Without the settings that the method does not know and that are switched off anyway: PEFT's files list every one. */
export function withoutInert(
  options: Readonly<Record<string, unknown>>,
  fields: Fields,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).filter(([key, value]) => Object.hasOwn(fields, key) || !isInert(key, value)),
  );
}

/** Settings of features that are off unless another setting turns them on. */
const DORMANT = new Set(['megatronCore', 'qaloraGroupSize', 'runtimeConfig']);

function isInert(key: string, value: unknown): boolean {
  if (DORMANT.has(key) || value === false || value === 'none') return true;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** Which modules: combinations that contradict each other, as in PEFT. */
function checkTargets(method: string, config: AdapterConfig): void {
  const { targetModules, layersToTransform, layersPattern } = config;
  for (const [name, value] of Object.entries({ layersToTransform, layersPattern }))
    if (typeof targetModules === 'string' && value !== undefined)
      throw new AdapterConfigError(
        `${method}: ${name} (${shown(value)}) cannot be used when targetModules is a string (${shown(targetModules)}): ` +
          'list the module names, or select layers inside the expression',
      );
  if (layersPattern !== undefined && layersPattern.length > 0 && layersToTransform === undefined)
    throw new AdapterConfigError(
      `${method}: layersPattern (${shown(layersPattern)}) needs layersToTransform: set it or leave both out`,
    );
}

export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
