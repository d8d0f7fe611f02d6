/**
 * Reads the pickle of a PyTorch weight file and runs nothing: an interpreter of the opcodes that torch.save writes for
 * dictionaries of tensors, in which the only things that can be built are plain values, ordered dictionaries and
 * descriptions of tensors. Everything else is refused.
 */

/** Where a storage's bytes lie: a file in the archive, by its key. */
export interface PickledStorage {
  readonly kind: 'storage';
  /** "FloatStorage" and so on. */
  readonly type: string;
  readonly key: string;
  readonly count: number;
}

/** A tensor as torch describes it; counts are in elements. */
export interface PickledTensor {
  readonly kind: 'tensor';
  readonly storage: PickledStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** A name that the pickle refers to: a class or a function. Never resolved to code. */
interface GlobalName {
  readonly kind: 'global';
  readonly name: string;
}

const MARK = Symbol('mark');

const STORAGE = /^torch (\w+Storage)$/;
const REBUILD_TENSOR = 'torch._utils _rebuild_tensor_v2';
const REBUILD_PARAMETER = 'torch._utils _rebuild_parameter';
const ORDERED_DICTIONARY = 'collections OrderedDict';
const ALLOWED = new Set([REBUILD_TENSOR, REBUILD_PARAMETER, ORDERED_DICTIONARY]);

/**
 * The value that a pickle describes: Maps, arrays, strings, numbers, booleans, null and {@link PickledTensor}s.
 * @throws Error for an opcode, a name or a call outside the few that weight files need, and for bytes that end early
 */
export function readPickle(bytes: Buffer): unknown {
  const stack: unknown[] = [];
  const memo = new Map<number, unknown>();
  let at = 0;

  const take = (count: number): Buffer => {
    if (at + count > bytes.length) throw new Error(`ends after ${bytes.length} bytes, inside an opcode`);
    at += count;
    return bytes.subarray(at - count, at);
  };
  const line = (): string => {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0) throw new Error('ends inside a name');
    const text = bytes.toString('latin1', at, end);
    at = end + 1;
    return text;
  };
  const pop = (): unknown => {
    if (stack.length === 0) throw new Error(`takes from an empty stack at byte ${at}`);
    return stack.pop();
  };
  const top = (): unknown => stack.at(-1);
  const popToMark = (): unknown[] => {
    const mark = stack.lastIndexOf(MARK);
    if (mark < 0) throw new Error(`has no mark to go back to at byte ${at}`);
    const items = stack.splice(mark + 1);
    stack.pop();
    return items;
  };
  const remember = (index: number): void => {
    memo.set(index, top());
  };
  const recall = (index: number): void => {
    if (!memo.has(index)) throw new Error(`recalls entry ${index}, which was never stored`);
    stack.push(memo.get(index));
  };
  const setItems = (items: readonly unknown[]): void => {
    const target = top();
    if (!(target instanceof Map)) throw new Error('sets items of something that is no dictionary');
    for (let i = 0; i + 1 < items.length; i += 2) target.set(items[i], items[i + 1]);
  };
  const append = (items: readonly unknown[]): void => {
    const target = top();
    if (!Array.isArray(target)) throw new Error('appends to something that is no list');
    for (const item of items) target.push(item);
  };

  for (;;) {
    const opcode = String.fromCharCode(take(1)[0]!);
    switch (opcode) {
      case '\x80': {
        const protocol = take(1)[0]!;
        if (protocol > 5) throw new Error(`is of protocol ${protocol}, known are those up to 5`);
        break;
      }
      case '\x95':
        take(8);
        break;
      case '.':
        return pop();
      case '(':
        stack.push(MARK);
        break;
      case '0':
        pop();
        break;
      case 'N':
        stack.push(null);
        break;
      case '\x88':
        stack.push(true);
        break;
      case '\x89':
        stack.push(false);
        break;
      case 'K':
        stack.push(take(1)[0]!);
        break;
      case 'M':
        stack.push(take(2).readUInt16LE());
        break;
      case 'J':
        stack.push(take(4).readInt32LE());
        break;
      case '\x8a':
        stack.push(longOf(take(take(1)[0]!)));
        break;
      case 'G':
        stack.push(take(8).readDoubleBE());
        break;
      case 'X':
        stack.push(take(take(4).readUInt32LE()).toString('utf8'));
        break;
      case '\x8c':
        stack.push(take(take(1)[0]!).toString('utf8'));
        break;
      case '}':
        stack.push(new Map());
        break;
      case ']':
        stack.push([]);
        break;
      case ')':
        stack.push([]);
        break;
      case '\x85':
        stack.push([pop()]);
        break;
      case '\x86': {
        const [second, first] = [pop(), pop()];
        stack.push([first, second]);
        break;
      }
      case '\x87': {
        const [third, second, first] = [pop(), pop(), pop()];
        stack.push([first, second, third]);
        break;
      }
      case 't':
        stack.push(popToMark());
        break;
      case 'l':
        stack.push(popToMark());
        break;
      case 'a':
        append([pop()]);
        break;
      case 'e':
        append(popToMark());
        break;
      case 's': {
        const [value, key] = [pop(), pop()];
        setItems([key, value]);
        break;
      }
      case 'u':
        setItems(popToMark());
        break;
      case 'q':
        remember(take(1)[0]!);
        break;
      case 'r':
        remember(take(4).readUInt32LE());
        break;
      case '\x94':
        remember(memo.size);
        break;
      case 'h':
        recall(take(1)[0]!);
        break;
      case 'j':
        recall(take(4).readUInt32LE());
        break;
      case 'c':
        stack.push(globalName(line(), line()));
        break;
      case '\x93': {
        const [name, module] = [pop(), pop()];
        if (typeof module !== 'string' || typeof name !== 'string')
          throw new Error('refers to something that has no name');
        stack.push(globalName(module, name));
        break;
      }
      case 'Q':
        stack.push(storageOf(pop()));
        break;
      case 'R': {
        const [args, callee] = [pop(), pop()];
        stack.push(build(callee, args));
        break;
      }
      case 'b': {
        // State of an ordered dictionary (a model's _metadata): says nothing about weights.
        pop();
        if (!(top() instanceof Map)) throw new Error('sets the state of an object');
        break;
      }
      default:
        throw new Error(
          `has opcode 0x${opcode.charCodeAt(0).toString(16)} at byte ${at - 1}, which weight files do not need`,
        );
    }
  }
}

function globalName(module: string, name: string): GlobalName {
  const full = `${module} ${name}`;
  if (!ALLOWED.has(full) && !STORAGE.test(full))
    throw new Error(`refers to ${module}.${name}, which no weight file needs: nothing of it was run`);
  return { kind: 'global', name: full };
}

const isGlobal = (value: unknown): value is GlobalName => (value as GlobalName | null)?.kind === 'global';
const isStorage = (value: unknown): value is PickledStorage =>
  (value as PickledStorage | null)?.kind === 'storage';

/** ('storage', type, key, location, count): how torch refers to a file of the archive. */
function storageOf(id: unknown): PickledStorage {
  const [tag, type, key, , count] = Array.isArray(id) ? id : [];
  const name = isGlobal(type) ? STORAGE.exec(type.name)?.[1] : undefined;
  if (tag !== 'storage' || name === undefined || typeof key !== 'string' || typeof count !== 'number')
    throw new Error('refers to something outside itself that is no storage');
  return { kind: 'storage', type: name, key, count };
}

function build(callee: unknown, args: unknown): unknown {
  const name = isGlobal(callee) ? callee.name : undefined;
  if (name === undefined || !Array.isArray(args)) throw new Error('calls something that is no function');
  if (name === ORDERED_DICTIONARY) return new Map(pairsIn(args[0] ?? []));
  if (name === REBUILD_PARAMETER) return args[0];
  if (name !== REBUILD_TENSOR) throw new Error(`calls ${name}`);
  const [storage, offset, shape, strides] = args;
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  const isCounts = (value: unknown): value is number[] => Array.isArray(value) && value.every(isCount);
  if (!isStorage(storage) || !isCount(offset) || !isCounts(shape) || !isCounts(strides))
    throw new Error('describes a tensor in a way that is not known');
  return { kind: 'tensor', storage, offset, shape, strides } satisfies PickledTensor;
}

/** What an ordered dictionary is made of. */
function pairsIn(value: unknown): [unknown, unknown][] {
  if (!Array.isArray(value) || !value.every((one) => Array.isArray(one) && one.length === 2))
    throw new Error('makes a dictionary of something else than pairs');
  return value;
}

/** A little-endian integer in two's complement. */
function longOf(bytes: Buffer): number {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  if (bytes.length > 0 && bytes.at(-1)! >= 0x80) value -= 1n << BigInt(8 * bytes.length);
  if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER))
    throw new Error(`holds the integer ${value}, beyond what can be counted here`);
  return Number(value);
}
