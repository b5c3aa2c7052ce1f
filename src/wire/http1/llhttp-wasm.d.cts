/** The WebAssembly module's bytes. */
export declare function load(): Uint8Array<ArrayBuffer>;
