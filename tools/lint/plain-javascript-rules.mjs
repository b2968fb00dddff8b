const inNode = [
  'AbortController AbortSignal Buffer URL URLSearchParams TextDecoder TextEncoder console fetch globalThis performance',
  'process queueMicrotask setImmediate setInterval setTimeout clearInterval clearTimeout structuredClone WebSocket',
]
  .join(' ')
  .split(' ');
const inCommonJs = ['require', 'module', '__dirname', '__filename', 'exports'];
const readOnly = (names) => Object.fromEntries(names.map((name) => [name, 'readonly']));

const rules = {
  'no-undef': 'error',
  'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' }],
  'no-shadow-restricted-names': 'error',
  'no-unreachable': 'error',
  'no-dupe-keys': 'error',
  'no-fallthrough': 'error',
  'prefer-const': 'error',
  'no-var': 'error',
  eqeqeq: ['error', 'always'],
  'max-params': ['error', 3],
  'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
  'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true, IIFEs: true }],
};

/** The tools are plain JavaScript, so that they run before anything is installed or compiled. */
export const plainJavaScriptRules = [
  { files: ['**/*.mjs'], languageOptions: { globals: readOnly(inNode) }, rules },
  {
    files: ['**/*.cjs'],
    languageOptions: { sourceType: 'commonjs', globals: readOnly([...inNode, ...inCommonJs]) },
    rules,
  },
];
