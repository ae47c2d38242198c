/** Vectors as the records of freshet.documents carry them: float32, little endian, whatever this machine's order is. */

const BYTES = Float32Array.BYTES_PER_ELEMENT;
const LITTLE_ENDIAN_HERE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** A copy: four bytes a dimension. */
export const bytesOfVector = (vector: Float32Array): Buffer => {
  if (LITTLE_ENDIAN_HERE) return Buffer.copyBytesFrom(vector);
  const bytes = Buffer.alloc(vector.length * BYTES);
  vector.forEach((value, index) => {
    bytes.writeFloatLE(value, index * BYTES);
  });
  return bytes;
};

/** A copy, so it may start at any byte of a larger buffer. Throws RangeError where the length is no multiple of four. */
export const vectorOfBytes = (bytes: Uint8Array): Float32Array => {
  if (bytes.byteLength % BYTES !== 0) throw new RangeError(`${bytes.byteLength} bytes are no float32 vector`);
  if (LITTLE_ENDIAN_HERE) return new Float32Array(Uint8Array.from(bytes).buffer);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.byteLength / BYTES }, (_, index) =>
    view.getFloat32(index * BYTES, true),
  );
};
