/**
 * The bytes of llhttp compiled to WebAssembly, as undici 8.12.4 carries them (docs/decisions/0002-llhttp.md).
 *
 * CommonJS on purpose: the file exports a Buffer, and a bundler's ESM bridge would define a getter for each of its 54,000 indices.
 */
"use strict";

// eslint-disable-next-line @typescript-eslint/no-require-imports -- see above
exports.load = () => require("undici/lib/llhttp/llhttp_simd-wasm.js");
