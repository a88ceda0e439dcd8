import tseslint from "typescript-eslint";

export default tseslint.config(
    { ignores: ["built/", "node_modules/", "eslint.config.js"] },
    ...tseslint.configs.strictTypeChecked,
    ...tseslint.configs.stylisticTypeChecked,
    {
        languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
        linterOptions: { reportUnusedDisableDirectives: "error" },
    },
);
