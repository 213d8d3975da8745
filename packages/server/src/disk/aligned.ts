/** The part of the WebAssembly interface that is used here; neither ES nor Node's types declare it. */
interface WebAssemblyMemory {
  readonly Memory: new (descriptor: { initial: number }) => { readonly buffer: ArrayBuffer }
}

/** Zeros at a page boundary, as O_DIRECT demands; WebAssembly memory is what Node has that is aligned. */
export function alignedZeros(bytes: number): Uint8Array {
  const { Memory } = (globalThis as unknown as { WebAssembly: WebAssemblyMemory }).WebAssembly
  return new Uint8Array(new Memory({ initial: Math.ceil(bytes / 65_536) }).buffer, 0, bytes)
}
