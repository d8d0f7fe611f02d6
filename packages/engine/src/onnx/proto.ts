/**
 * Writes ONNX protobuf messages. Field numbers are those of onnx.proto3 (https://github.com/onnx/onnx), IR version 10.
 * Only the handful of messages that a static graph needs.
 */
import { PbfWriter } from 'pbf';

export const OnnxType = {
  FLOAT: 1,
  UINT8: 2,
  INT32: 6,
  INT64: 7,
  BOOL: 9,
  FLOAT16: 10,
  DOUBLE: 11,
  BFLOAT16: 16,
  /** Two values a byte. */
  UINT4: 21,
} as const;
export type OnnxType = (typeof OnnxType)[keyof typeof OnnxType];

/** By the names that precisions have. */
export const HALF_TYPE = { bf16: OnnxType.BFLOAT16, f16: OnnxType.FLOAT16 } as const;

/** Domain of operators of our own. */
export const CUSTOM_DOMAIN = 'psoft';

export type AttributeValue =
  | number
  | { float: number }
  | string
  | readonly number[]
  | { floats: readonly number[] }
  | { graph: OnnxBody };

/** A graph inside a node; what it does not compute it finds around it. */
export interface OnnxBody {
  readonly name: string;
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  readonly nodes: readonly OnnxNode[];
}

export interface OnnxNode {
  readonly op: string;
  readonly domain?: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** A bare number or list is an INT or INTS; floats are wrapped. */
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

export interface OnnxInitializer {
  readonly name: string;
  readonly type: OnnxType;
  readonly dims: readonly number[];
  /** Contents inline, or where they lie relative to the session's external-data folder. */
  readonly content: { raw: Uint8Array } | { location: string; offset: number; length: number };
}

export interface OnnxValueInfo {
  readonly name: string;
  readonly type: OnnxType;
  /** A name instead of a size leaves that dimension open until the model runs. */
  readonly dims: readonly (number | string)[];
}

export interface OnnxModel {
  readonly name: string;
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  readonly initializers: readonly OnnxInitializer[];
  readonly nodes: readonly OnnxNode[];
}

const IR_VERSION = 10;
export const OPSET = 21;
const DATA_LOCATION_EXTERNAL = 1;
const AttributeType = { FLOAT: 1, INT: 2, STRING: 3, GRAPH: 5, FLOATS: 6, INTS: 7 } as const;

export function encodeModel(model: OnnxModel): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, IR_VERSION);
  pbf.writeStringField(2, 'psoft');
  pbf.writeMessage(7, writeGraph, model);
  for (const [domain, version] of [
    ['', OPSET],
    ['com.microsoft', 1],
    [CUSTOM_DOMAIN, 1],
  ] as const) {
    pbf.writeMessage(8, writeOpset, { domain, version });
  }
  return pbf.finish();
}

function writeOpset(opset: { domain: string; version: number }, pbf: PbfWriter): void {
  pbf.writeStringField(1, opset.domain);
  pbf.writeVarintField(2, opset.version);
}

function writeGraph(model: OnnxModel, pbf: PbfWriter): void {
  for (const node of model.nodes) pbf.writeMessage(1, writeNode, node);
  pbf.writeStringField(2, model.name);
  for (const tensor of model.initializers) pbf.writeMessage(5, writeInitializer, tensor);
  for (const input of model.inputs) pbf.writeMessage(11, writeValueInfo, input);
  for (const output of model.outputs) pbf.writeMessage(12, writeValueInfo, output);
}

function writeNode(node: OnnxNode, pbf: PbfWriter): void {
  for (const input of node.inputs) pbf.writeStringField(1, input);
  for (const output of node.outputs) pbf.writeStringField(2, output);
  pbf.writeStringField(3, node.name);
  pbf.writeStringField(4, node.op);
  for (const entry of Object.entries(node.attributes)) pbf.writeMessage(5, writeAttribute, entry);
  if (node.domain) pbf.writeStringField(7, node.domain);
}

function writeAttribute([name, value]: [string, AttributeValue], pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  let type: number;
  if (typeof value === 'number') {
    pbf.writeVarintField(3, value);
    type = AttributeType.INT;
  } else if (typeof value === 'string') {
    pbf.writeBytesField(4, Buffer.from(value, 'utf8'));
    type = AttributeType.STRING;
  } else if ('float' in value) {
    pbf.writeFloatField(2, value.float);
    type = AttributeType.FLOAT;
  } else if ('graph' in value) {
    pbf.writeMessage(6, writeGraph, { ...value.graph, initializers: [] });
    type = AttributeType.GRAPH;
  } else if ('floats' in value) {
    for (const one of value.floats) pbf.writeFloatField(7, one);
    type = AttributeType.FLOATS;
  } else {
    for (const one of value) pbf.writeVarintField(8, one);
    type = AttributeType.INTS;
  }
  pbf.writeVarintField(20, type);
}

function writeInitializer(tensor: OnnxInitializer, pbf: PbfWriter): void {
  for (const dim of tensor.dims) pbf.writeVarintField(1, dim);
  pbf.writeVarintField(2, tensor.type);
  pbf.writeStringField(8, tensor.name);
  if ('raw' in tensor.content) {
    pbf.writeBytesField(9, tensor.content.raw);
    return;
  }
  const { location, offset, length } = tensor.content;
  for (const entry of [
    ['location', location],
    ['offset', String(offset)],
    ['length', String(length)],
  ] as const) {
    pbf.writeMessage(13, writeStringEntry, entry);
  }
  pbf.writeVarintField(14, DATA_LOCATION_EXTERNAL);
}

function writeStringEntry([key, value]: readonly [string, string], pbf: PbfWriter): void {
  pbf.writeStringField(1, key);
  pbf.writeStringField(2, value);
}

function writeValueInfo(info: OnnxValueInfo, pbf: PbfWriter): void {
  pbf.writeStringField(1, info.name);
  pbf.writeMessage(2, writeType, info);
}

function writeType(info: OnnxValueInfo, pbf: PbfWriter): void {
  pbf.writeMessage(1, writeTensorType, info);
}

function writeTensorType(info: OnnxValueInfo, pbf: PbfWriter): void {
  pbf.writeVarintField(1, info.type);
  pbf.writeMessage(2, writeShape, info.dims);
}

function writeShape(dims: readonly (number | string)[], pbf: PbfWriter): void {
  for (const dim of dims) pbf.writeMessage(1, writeDim, dim);
}

function writeDim(dim: number | string, pbf: PbfWriter): void {
  if (typeof dim === 'number') pbf.writeVarintField(1, dim);
  else pbf.writeStringField(2, dim);
}
