import { defineConfig } from "vite";

/** One file of the portal's own, without a word of where anything comes from. */
export default defineConfig({
    build: {
        target: "es2022",
        outDir: "../bots/portal/static",
        emptyOutDir: false,
        copyPublicDir: false,
        lib: { entry: "src/main.ts", formats: ["iife"], name: "BelishaPad", fileName: () => "pad.js" },
    },
});
