/**
 * Looks through a struct in Thrift's compact protocol, in which parquet files describe themselves, before a library reads
 * it: lengths that no file could keep would cost it memory without end. Protocol:
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */

const Type = {
  STOP: 0,
  TRUE: 1,
  FALSE: 2,
  BYTE: 3,
  I16: 4,
  I32: 5,
  I64: 6,
  DOUBLE: 7,
  BINARY: 8,
  LIST: 9,
  STRUCT: 12,
};
/** Of a number of 64 bits. */
const LONGEST_VARINT = 10;
const DEEPEST = 32;

/**
 * @param at where the struct begins
 * @returns where it ends
 * @throws Error for one that ends beyond the bytes, is nested too deep or holds types that parquet has not
 */
export function endOfStruct(bytes: DataView, at: number): number {
  return new Walk(bytes, at).struct(0);
}

class Walk {
  constructor(
    private readonly bytes: DataView,
    private at: number,
  ) {}

  struct(depth: number): number {
    if (depth > DEEPEST) throw new Error(`its description is nested more than ${DEEPEST} deep`);
    for (;;) {
      const head = this.byte();
      const type = head & 15;
      if (type === Type.STOP) return this.at;
      if (head >> 4 === 0) this.varint();
      this.value(type, depth, false);
    }
  }

  private value(type: number, depth: number, isInList: boolean): void {
    if (type === Type.STRUCT) this.struct(depth + 1);
    else if (type === Type.LIST) this.list(depth + 1);
    else if (type === Type.BINARY) this.skip(this.varint());
    else if (type === Type.DOUBLE) this.skip(8);
    else if (type === Type.BYTE || (isInList && type <= Type.FALSE)) this.skip(1);
    else if (type === Type.I16 || type === Type.I32 || type === Type.I64) this.varint();
    else if (type !== Type.TRUE && type !== Type.FALSE)
      throw new Error(`its description has the unknown type ${type}`);
  }

  private list(depth: number): void {
    if (depth > DEEPEST) throw new Error(`its description is nested more than ${DEEPEST} deep`);
    const head = this.byte();
    const size = head >> 4 === 15 ? this.varint() : head >> 4;
    // Every element takes a byte at least.
    if (size > this.bytes.byteLength - this.at)
      throw new Error(
        `its description has a list of ${size} in the ${this.bytes.byteLength - this.at} bytes left`,
      );
    for (let i = 0; i < size; i++) this.value(head & 15, depth, true);
  }

  private byte(): number {
    this.skip(1);
    return this.bytes.getUint8(this.at - 1);
  }

  private varint(): number {
    let value = 0;
    for (let i = 0; i < LONGEST_VARINT; i++) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** (7 * i);
      if (byte < 128) return value;
    }
    throw new Error(`its description has a number of more than ${LONGEST_VARINT} bytes`);
  }

  private skip(count: number): void {
    this.at += count;
    if (this.at > this.bytes.byteLength) throw new Error('its description is cut off');
  }
}
