/**
 * TensorBoard's Event messages, as far as scalars need them. Field numbers are those of event.proto, summary.proto
 * and tensor.proto (https://github.com/tensorflow/tensorboard, tensorboard/compat/proto).
 */
import { PbfReader } from 'pbf';

export interface Event {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  readonly fileVersion?: string;
  readonly values: readonly SummaryValue[];
  /** A writer started again at this step: what was written from there on before no longer counts. */
  readonly isRestart: boolean;
}

export interface SummaryValue {
  readonly tag: string;
  /** "scalars", "images" and so on; stated by the first value of a tag only. */
  readonly plugin?: string;
  /** A number, where the value is one; a tensor of one element is. */
  readonly scalar?: number;
  /** How the value is stored: "scalar", "tensor", or what else it is. */
  readonly kind: string;
}

const SESSION_START = 1;
/** Kinds of values by their field, beside the two that may be scalars. */
const OTHER_KINDS: Readonly<Record<number, string>> = {
  3: 'histogram',
  4: 'image',
  5: 'histogram',
  6: 'audio',
};
type Mutable<T> = { -readonly [key in keyof T]: T[key] };

/** @throws Error from the reader of the wire format for bytes that are no message */
export function readEvent(bytes: Uint8Array): Event {
  const event = { wallTime: 0, step: 0, values: [] as SummaryValue[], isRestart: false } as Mutable<Event> & {
    values: SummaryValue[];
  };
  new PbfReader(bytes).readFields((tag, result, pbf) => {
    if (tag === 1) result.wallTime = pbf.readDouble();
    else if (tag === 2) result.step = pbf.readVarint(true);
    else if (tag === 3) result.fileVersion = pbf.readString();
    else if (tag === 5) result.values.push(...readSummary(pbf.readBytes()));
    else if (tag === 7) result.isRestart = firstVarint(pbf.readBytes(), 1) === SESSION_START;
  }, event);
  return event;
}

function readSummary(bytes: Uint8Array): SummaryValue[] {
  return new PbfReader(bytes).readFields((tag, values: SummaryValue[], pbf) => {
    if (tag === 1) values.push(readValue(pbf.readBytes()));
  }, []);
}

function readValue(bytes: Uint8Array): SummaryValue {
  return new PbfReader(bytes).readFields(
    (tag, value: Mutable<SummaryValue>, pbf) => {
      if (tag === 1) value.tag = pbf.readString();
      else if (tag === 2) Object.assign(value, { kind: 'scalar', scalar: pbf.readFloat() });
      else if (tag === 8) {
        const scalar = readTensor(pbf.readBytes());
        Object.assign(value, { kind: 'tensor', ...(scalar === undefined ? {} : { scalar }) });
      } else if (tag === 9) {
        const plugin = readPlugin(pbf.readBytes());
        if (plugin !== undefined) value.plugin = plugin;
      } else if (OTHER_KINDS[tag] !== undefined) value.kind = OTHER_KINDS[tag];
    },
    { tag: '', kind: 'empty value' },
  );
}

/** SummaryMetadata.plugin_data.plugin_name. */
function readPlugin(bytes: Uint8Array): string | undefined {
  const found: { name?: string } = {};
  new PbfReader(bytes).readFields((tag, result, pbf) => {
    if (tag !== 1) return;
    new PbfReader(pbf.readBytes()).readFields((inner, _, reader) => {
      if (inner === 1) result.name = reader.readString();
    }, undefined);
  }, found);
  return found.name;
}

/** TensorProto's types that hold one number, with the reader of their raw bytes. */
const DTYPES: Readonly<Record<number, (view: DataView) => number>> = {
  1: (view) => view.getFloat32(0, true),
  2: (view) => view.getFloat64(0, true),
  3: (view) => view.getInt32(0, true),
  9: (view) => Number(view.getBigInt64(0, true)),
};

/** The number of a tensor of one element in float, double, int32 or int64; undefined for any other. */
function readTensor(bytes: Uint8Array): number | undefined {
  const tensor: { dtype: number; content?: Uint8Array; values: number[] } = { dtype: 0, values: [] };
  new PbfReader(bytes).readFields((tag, result, pbf) => {
    if (tag === 1) result.dtype = pbf.readVarint();
    else if (tag === 4) result.content = pbf.readBytes();
    else if (tag === 5) pbf.readPackedFloat(result.values);
    else if (tag === 6) pbf.readPackedDouble(result.values);
    else if (tag === 7 || tag === 10) pbf.readPackedVarint(result.values, true);
  }, tensor);
  const read = DTYPES[tensor.dtype];
  if (read === undefined) return undefined;
  const { content, values } = tensor;
  if (content !== undefined && content.length > 0) {
    const size = tensor.dtype === 1 || tensor.dtype === 3 ? 4 : 8;
    if (content.length !== size) return undefined;
    return read(new DataView(content.buffer, content.byteOffset, size));
  }
  return values.length === 1 ? values[0] : undefined;
}

function firstVarint(bytes: Uint8Array, field: number): number | undefined {
  const found: { value?: number } = {};
  new PbfReader(bytes).readFields((tag, result, pbf) => {
    if (tag === field) result.value = pbf.readVarint();
  }, found);
  return found.value;
}
