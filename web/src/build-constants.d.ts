/** Paths, relative to the page, of the gzipped parts of the ONNX Runtime WebAssembly module. */
declare const __RUNTIME_PARTS__: string[];
/** Size of the joined, decompressed module in bytes. */
declare const __RUNTIME_BYTES__: number;
/** Version of onnxruntime-web that the page was built with. */
declare const __RUNTIME_VERSION__: string;
