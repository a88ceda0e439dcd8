import { defineConfig } from "vitest/config";

// Five seconds, which it has by itself, are short where other tests run beside.
export default defineConfig({ test: { include: ["test/**/*.test.{ts,tsx}"], testTimeout: 30_000 } });
