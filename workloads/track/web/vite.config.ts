import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Where `rung dev workloads/track/workload.py` answers: `npm run dev` sends it what is not the front end's. */
const BACKEND = process.env["TRACK_BACKEND"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react()],
  server: { proxy: { "/api": BACKEND } },
  build: {
    target: "es2023",
    // Every browser that knows ES2023 preloads modules by itself.
    modulePreload: { polyfill: false },
    // A data: URL would need a hole in the content security policy.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // The gateway lets browsers keep for ever what carries a hexadecimal hash in its name.
        hashCharacters: "hex",
        entryFileNames: "assets/[name].[hash:12].js",
        chunkFileNames: "assets/[name].[hash:12].js",
        assetFileNames: "assets/[name].[hash:12][extname]",
      },
    },
  },
});
