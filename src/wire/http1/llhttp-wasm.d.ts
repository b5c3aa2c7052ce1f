/** Types of llhttp-wasm.cjs, which has to be CommonJS. */
declare module "*/llhttp-wasm.cjs" {
  const wasm: {
    /** The WebAssembly module's bytes. */
    load(): Uint8Array;
  };
  export default wasm;
}
