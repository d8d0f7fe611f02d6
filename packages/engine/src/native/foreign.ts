/** Calls into native libraries, by way of koffi. */
import { DeviceError } from '../run/deviceError.ts';

export type Koffi = typeof import('koffi').default;

/** An address in the memory of this process, or of a card. */
export type Address = bigint;

/** A C function. */
export interface ForeignFunction {
  (...args: unknown[]): unknown;
  /** In another thread; the last argument is called with an error, or null and the result. */
  async?(...args: unknown[]): void;
}

let loaded: Promise<Koffi> | undefined;

/** @throws DeviceError where the package is not installed */
export function loadKoffi(): Promise<Koffi> {
  loaded ??= import('koffi').then(
    ({ default: koffi }) => koffi,
    (error: Error) => {
      throw new DeviceError(
        `the package koffi, by which ONNX Runtime's CUDA options are reached, cannot be loaded: install it (npm install koffi@3). ${error.message}`,
        { cause: error },
      );
    },
  );
  return loaded;
}

/** All of them, for good: what is collected is closed, and addresses of its functions lead nowhere then. */
const libraries = new Map<string, ReturnType<Koffi['load']>>();

/** @throws Error where it cannot be loaded */
export function loadLibrary(koffi: Koffi, file: string): ReturnType<Koffi['load']> {
  const library = libraries.get(file) ?? koffi.load(file);
  libraries.set(file, library);
  return library;
}

/** The functions of a library by name, each declared in C. */
export function bindFunctions<Name extends string>(
  koffi: Koffi,
  file: string,
  declarations: Readonly<Record<Name, string>>,
): Record<Name, ForeignFunction> {
  const library = loadLibrary(koffi, file);
  const bound = ([name, declaration]: [string, string]): [string, ForeignFunction] => [
    name,
    library.func(declaration),
  ];
  return Object.fromEntries(Object.entries<string>(declarations).map(bound)) as Record<Name, ForeignFunction>;
}

/** Of several versions of a library the first that is there; undefined where none is. */
export function loadFirst<Name extends string>(
  koffi: Koffi,
  files: readonly string[],
  declarations: Readonly<Record<Name, string>>,
): Record<Name, ForeignFunction> | undefined {
  for (const file of files) {
    try {
      return bindFunctions(koffi, file, declarations);
    } catch {
      // Not this one.
    }
  }
  return undefined;
}
