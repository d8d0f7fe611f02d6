/**
 * The storage types of GGUF tensors, widened to float32. Block types keep a run of weights as small integers with a
 * scale (and an offset) of their own, as ggml lays them out; "K" types nest blocks in a super-block of 256.
 */
import { GGMLQuantizationType } from '@huggingface/gguf';
import { widenBf16, widenF16 } from '@psoft/engine';

interface Block {
  /** Weights of a block. */
  readonly size: number;
  readonly bytes: number;
  /** @param data the block's bytes; @param out its weights */
  decode(data: Uint8Array, out: Float32Array): void;
}

const half = (data: Uint8Array, at: number): number => {
  const bits = Uint16Array.of(data[at]! | (data[at + 1]! << 8));
  return widenF16(bits)[0]!;
};

const signed = (byte: number): number => (byte << 24) >> 24;

/** 32 weights of 4 bits, the first half in the low bits; value(q) makes a weight of q in 0..15. */
function fourBits(data: Uint8Array, from: number, out: Float32Array, value: (q: number) => number): void {
  for (let i = 0; i < 16; i++) {
    const byte = data[from + i]!;
    out[i] = value(byte & 15);
    out[i + 16] = value(byte >> 4);
  }
}

/** The same with a fifth bit of each weight in 32 bits of their own. */
function fiveBits(data: Uint8Array, highFrom: number, out: Float32Array, value: (q: number) => number): void {
  const isHigh = (i: number) => (data[highFrom + (i >> 3)]! >> (i & 7)) & 1;
  for (let i = 0; i < 16; i++) {
    const byte = data[highFrom + 4 + i]!;
    out[i] = value((byte & 15) | (isHigh(i) << 4));
    out[i + 16] = value((byte >> 4) | (isHigh(i + 16) << 4));
  }
}

/** 6-bit scale and minimum of the eight blocks in a super-block, packed into 12 bytes. */
function scalesAndMinima(data: Uint8Array, from: number): { scales: number[]; minima: number[] } {
  const at = (i: number) => data[from + i]!;
  const low = [0, 1, 2, 3];
  return {
    scales: [...low.map((i) => at(i) & 63), ...low.map((i) => (at(i + 8) & 15) | ((at(i) >> 6) << 4))],
    minima: [
      ...low.map((i) => at(i + 4) & 63),
      ...low.map((i) => (at(i + 8) >> 4) | ((at(i + 4) >> 6) << 4)),
    ],
  };
}

/** Q4_K and Q5_K: 256 weights in eight blocks; scale · q - minimum, both in units of the super-block. */
function superBlock(highFrom: number | undefined, lowFrom: number): Block['decode'] {
  return (data, out) => {
    const [unit, minimumUnit] = [half(data, 0), half(data, 2)];
    const { scales, minima } = scalesAndMinima(data, 4);
    for (let block = 0; block < 8; block++) {
      const scale = Math.fround(unit * scales[block]!);
      const minimum = Math.fround(minimumUnit * minima[block]!);
      for (let i = 0; i < 32; i++) {
        const byte = data[lowFrom + 32 * (block >> 1) + i]!;
        const low = block % 2 === 0 ? byte & 15 : byte >> 4;
        const high = highFrom === undefined ? 0 : (data[highFrom + i]! >> block) & 1;
        out[32 * block + i] = scale * (low + 16 * high) - minimum;
      }
    }
  };
}

/** 256 weights of 6 bits in sixteen blocks: 4 low bits, 2 high bits, a signed byte as scale of each block. */
function sixBitSuperBlock(data: Uint8Array, out: Float32Array): void {
  const unit = half(data, 208);
  for (let i = 0; i < 256; i++) {
    const [part, place] = [i >> 7, i & 127];
    const quarter = place >> 5;
    const column = place & 31;
    const lowByte = data[64 * part + column + 32 * (quarter & 1)]!;
    const low = quarter < 2 ? lowByte & 15 : lowByte >> 4;
    const high = (data[128 + 32 * part + column]! >> (2 * quarter)) & 3;
    const scale = signed(data[192 + (i >> 4)]!);
    out[i] = Math.fround(unit * scale) * ((low | (high << 4)) - 32);
  }
}

const BLOCKS: Partial<Record<GGMLQuantizationType, Block>> = {
  [GGMLQuantizationType.Q4_0]: {
    size: 32,
    bytes: 18,
    decode(data, out) {
      const scale = half(data, 0);
      fourBits(data, 2, out, (q) => scale * (q - 8));
    },
  },
  [GGMLQuantizationType.Q4_1]: {
    size: 32,
    bytes: 20,
    decode(data, out) {
      const [scale, minimum] = [half(data, 0), half(data, 2)];
      fourBits(data, 4, out, (q) => Math.fround(scale * q) + minimum);
    },
  },
  [GGMLQuantizationType.Q5_0]: {
    size: 32,
    bytes: 22,
    decode(data, out) {
      const scale = half(data, 0);
      fiveBits(data, 2, out, (q) => scale * (q - 16));
    },
  },
  [GGMLQuantizationType.Q5_1]: {
    size: 32,
    bytes: 24,
    decode(data, out) {
      const [scale, minimum] = [half(data, 0), half(data, 2)];
      fiveBits(data, 4, out, (q) => Math.fround(scale * q) + minimum);
    },
  },
  [GGMLQuantizationType.Q8_0]: {
    size: 32,
    bytes: 34,
    decode(data, out) {
      const scale = half(data, 0);
      for (let i = 0; i < 32; i++) out[i] = scale * signed(data[2 + i]!);
    },
  },
  [GGMLQuantizationType.Q4_K]: { size: 256, bytes: 144, decode: superBlock(undefined, 16) },
  [GGMLQuantizationType.Q5_K]: { size: 256, bytes: 176, decode: superBlock(16, 48) },
  [GGMLQuantizationType.Q6_K]: { size: 256, bytes: 210, decode: sixBitSuperBlock },
};

/** Not in blocks. */
const PLAIN: Partial<Record<GGMLQuantizationType, { bytes: number; widen(data: Uint8Array): Float32Array }>> =
  {
    [GGMLQuantizationType.F32]: { bytes: 4, widen: (data) => new Float32Array(aligned(data)) },
    [GGMLQuantizationType.F16]: { bytes: 2, widen: (data) => widenF16(new Uint16Array(aligned(data))) },
    [GGMLQuantizationType.BF16]: { bytes: 2, widen: (data) => widenBf16(new Uint16Array(aligned(data))) },
  };

/** Typed arrays start at multiples of their elements' size only. */
function aligned(data: Uint8Array): ArrayBuffer {
  return data.slice().buffer as ArrayBuffer;
}

/** Of tensors that can be read. */
export const GGUF_TYPES: readonly string[] = [...Object.keys(PLAIN), ...Object.keys(BLOCKS)].map(
  (type) => GGMLQuantizationType[Number(type)]!,
);

/** Bytes of `count` weights, or undefined for a type that cannot be read, and a count that fills no blocks. */
export function byteLength(type: GGMLQuantizationType, count: number): number | undefined {
  const [plain, block] = [PLAIN[type], BLOCKS[type]];
  if (plain !== undefined) return plain.bytes * count;
  if (block === undefined || count % block.size !== 0) return undefined;
  return (count / block.size) * block.bytes;
}

/** @param data all bytes of a tensor, as many as {@link byteLength} says */
export function widen(type: GGMLQuantizationType, data: Uint8Array): Float32Array {
  const plain = PLAIN[type];
  if (plain !== undefined) return plain.widen(data);
  const { size, bytes, decode } = BLOCKS[type]!;
  const blocks = data.length / bytes;
  const out = new Float32Array(blocks * size);
  for (let i = 0; i < blocks; i++)
    decode(data.subarray(i * bytes, (i + 1) * bytes), out.subarray(i * size, (i + 1) * size));
  return out;
}
