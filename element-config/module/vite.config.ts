import { defineConfig } from "vite";

/** One file, which Element imports. React is Element's own: two of them on one page do not work together. */
export default defineConfig({
    define: { "process.env.NODE_ENV": JSON.stringify("production") },
    resolve: { alias: [{ find: /^react$/, replacement: new URL("src/hostReact.ts", import.meta.url).pathname }] },
    build: {
        target: "es2022",
        outDir: "built",
        emptyOutDir: true,
        lib: { entry: "src/index.tsx", formats: ["es"], fileName: () => "tlp.js" },
    },
});
