const path = require('node:path');

const root = path.resolve(__dirname, '../..');

/** Packages that ship ES modules only: jest's own module system has to compile them. */
const esmOnly = [
  'jose',
  'uuid',
  'cockatiel',
  '@scure',
  'openid-client',
  'oauth4webapi',
  // Has the one after it in a folder of its own.
  '@otplib',
  '@noble',
];

/** The one jest preset: every project's jest.config.cjs is `require('…/preset.cjs')(__dirname)`. */
module.exports = function preset(projectDir, overrides = {}) {
  const project = path.relative(root, projectDir);
  return {
    rootDir: projectDir,
    displayName: project,
    testEnvironment: 'node',
    testMatch: ['<rootDir>/{src,tests,lib}/**/*.test.ts'],
    transform: {
      '\\.[cm]?[jt]s$': [
        '@swc/jest',
        {
          sourceMaps: 'inline',
          module: { type: 'commonjs' },
          jsc: { target: 'es2024', parser: { syntax: 'typescript' } },
        },
      ],
    },
    transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`],
    globalSetup: path.join(__dirname, 'global-setup.cjs'),
    globalTeardown: path.join(__dirname, 'global-teardown.cjs'),
    reporters: [
      ['default', { summaryThreshold: 0 }],
      [
        path.join(__dirname, 'totals-reporter.cjs'),
        { file: path.join(root, 'dist/test-results', `${project}.json`) },
      ],
    ],
    // Longer than two waits of `waitFor` that fail, so that they say what has not come true.
    testTimeout: 60_000,
    maxWorkers: 2,
    errorOnDeprecated: true,
    injectGlobals: true,
    ...overrides,
  };
};
