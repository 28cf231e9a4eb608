import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * The layers of webhook/, the lowest first (docs/architecture.md): each imports from those below it alone. `entities` serves `ask`:
 * `record` knows neither of them, nor do they know `record`. The folders of a layer are in order too, where they are named.
 */
const LAYERS = [
  { name: 'platform' },
  { name: 'ledger', folders: ['content', 'port', 'proof', 'publish', 'retention', 'sqlite', 'files'] },
  { name: 'entities' },
  {
    name: 'record',
    beside: ['entities'],
    folders: ['rules', 'review', 'spool', 'capture', 'coverage', 'sources', 'gate'],
  },
  {
    name: 'ask',
    beside: ['record'],
    folders: ['blame', 'questions', 'access', 'stream', 'thread', 'kube-api', 'rest'],
  },
  { name: 'install' },
  { name: 'programs' },
];

const NO_DEFAULT_EXPORT = {
  selector: 'ExportDefaultDeclaration',
  message: 'Use a named export, so that a thing has one name everywhere.',
};

/** Refuses imports of these folders, static or not, in these files. Paths within webhook/ are relative. */
function refuseImports(files, folders, message) {
  const regex = `^(\\.\\./)+(${folders.join('|')})/`;
  const source = `[source.value=/${regex.replaceAll('/', '\\/')}/]`;
  return {
    files,
    ignores: ['**/*.test.ts', '**/*.contract.ts', '**/contract/**'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [{ regex, message }] }],
      'no-restricted-syntax': [
        'error',
        NO_DEFAULT_EXPORT,
        { selector: `ImportExpression${source}`, message },
        { selector: `TSImportType${source}`, message },
      ],
    },
  };
}

/** One rule a folder: the later of two that fit a file would be the only one. */
function layerRules({ name, beside = [], folders = [] }, index) {
  const above = [...LAYERS.slice(index + 1).map((layer) => layer.name), ...beside, 'testing'];
  const message = `${name} may not import this: imports go down only (docs/architecture.md).`;
  return [
    refuseImports([`webhook/${name}/**/*.ts`], above, message),
    ...folders.map((folder, place) =>
      refuseImports([`webhook/${name}/${folder}/**/*.ts`], [...above, ...folders.slice(place + 1)], message),
    ),
  ];
}

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', 'demo/', 'shared/fixtures/', 'node_modules/', '.node/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // A promise nobody waits for is a change that was answered and may never reach the disk.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-deprecated': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      // Named exports only (STYLE.md habit 11): a thing has one name everywhere.
      'no-restricted-syntax': ['error', NO_DEFAULT_EXPORT],
    },
  },
  LAYERS.flatMap(layerRules),
  {
    // shared/ is the domain: it knows neither the server nor the CLI, and of the outside world only what is pure.
    files: ['shared/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: ['express', 'better-sqlite3', '@kubernetes/client-node', 'pino', 'prom-client'],
          patterns: ['**/webhook/**', '**/plugin/**'],
        },
      ],
    },
  },
  {
    files: ['plugin/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: ['express', 'pino', 'prom-client'] }] },
  },
  {
    // Their output is the terminal.
    files: ['scripts/**/*.ts', 'certs/make-certs.ts', 'webhook/testing/bench/**/*.ts', 'plugin/bench/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.test.ts'],
    rules: {
      // Assertion libraries assert by reading a property.
      '@typescript-eslint/no-unused-expressions': 'off',
      // Stubs of asynchronous ports are asynchronous by type, not by need.
      '@typescript-eslint/require-await': 'off',
      'no-console': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: { console: 'readonly', process: 'readonly', structuredClone: 'readonly', URL: 'readonly' },
    },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: {
      globals: { module: 'writable', exports: 'writable', require: 'readonly', __dirname: 'readonly' },
    },
  },
);
