// Builds the room page into the Python package. Two things are special:
// the ONNX Runtime module (14 MB) is shipped gzipped in parts below 2 MB and joined in the worker, and
// file names carry no hash, so that a rebuild without a change leaves the committed files alone.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { gzipSync } from "fflate";
import { defineConfig } from "vite";

const packages = resolve(import.meta.dirname, "node_modules");
const runtimeName = "ort-wasm-simd-threaded.wasm";
const runtimeBytes = readFileSync(resolve(packages, "onnxruntime-web/dist", runtimeName));
const runtimeVersion = JSON.parse(readFileSync(resolve(packages, "onnxruntime-web/package.json"), "utf8")).version;
const largestPart = 1_950_000;

/** The runtime, compressed by a pure JavaScript gzip: the bytes do not depend on the zlib that node carries. */
function compressedParts() {
  const packed = gzipSync(new Uint8Array(runtimeBytes), { level: 9, mem: 12, mtime: 0 });
  const count = Math.ceil(packed.length / largestPart);
  const size = Math.ceil(packed.length / count);
  return Array.from({ length: count }, (_, part) => packed.subarray(part * size, (part + 1) * size));
}

const parts = compressedParts();
const partNames = parts.map((_, part) => `onnxruntime/${runtimeName}.gz.part${part}`);

const shipRuntime = {
  name: "ship-onnx-runtime",
  generateBundle() {
    parts.forEach((source, part) => this.emitFile({ type: "asset", fileName: partNames[part], source }));
    const licence = readFileSync(resolve(import.meta.dirname, "THIRD-PARTY-LICENSES.txt"), "utf8");
    this.emitFile({ type: "asset", fileName: "THIRD-PARTY-LICENSES.txt", source: licence });
  },
};

/** onnxruntime-web refers to its module by URL, which would make Vite copy all 14 MB; we hand it the bytes. */
const leaveRuntimeOut = {
  name: "leave-raw-onnx-runtime-out",
  enforce: "pre",
  transform(code, id) {
    if (!id.includes("onnxruntime-web/dist")) return null;
    return code.replaceAll(`new URL("${runtimeName}",import.meta.url)`, `new URL("file:///${runtimeName}")`);
  },
};

const stableNames = {
  entryFileNames: "assets/[name].js",
  chunkFileNames: "assets/[name].js",
  assetFileNames: "assets/[name][extname]",
};

export default defineConfig({
  base: "./",
  define: {
    __RUNTIME_PARTS__: JSON.stringify(partNames),
    __RUNTIME_BYTES__: JSON.stringify(runtimeBytes.length),
    __RUNTIME_VERSION__: JSON.stringify(runtimeVersion),
  },
  plugins: [shipRuntime],
  worker: {
    format: "es",
    plugins: () => [leaveRuntimeOut],
    rollupOptions: { output: { ...stableNames, entryFileNames: ({ name }) => `assets/${name.split(".")[0]}.js` } },
  },
  build: {
    outDir: resolve(import.meta.dirname, "../src/fredholm/deploy/static/room"),
    emptyOutDir: true,
    target: "es2022",
    chunkSizeWarningLimit: 640, // three.js, which only rooms of three dimensions load
    modulePreload: false,
    assetsInlineLimit: 0,
    rollupOptions: { input: { room: resolve(import.meta.dirname, "index.html") }, output: stableNames },
  },
  test: { include: ["test/**/*.test.ts"] },
});
