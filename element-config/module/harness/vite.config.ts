import { defineConfig } from "vite";

/** The stand-in for Element, in the shape of a release: index.html and bundles/. */
export default defineConfig({
    root: new URL(".", import.meta.url).pathname,
    base: "./",
    define: { "process.env.NODE_ENV": JSON.stringify("production") },
    build: { target: "es2022", assetsDir: "bundles/1", modulePreload: false },
});
