import { acceptFormat } from './accept-format';

describe('acceptFormat', () => {
  test.each([
    [undefined, 'prometheus'],
    ['', 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/plain', 'prometheus'],
    ['text/html, application/json', 'prometheus'],
    ['application/openmetrics-text', 'openmetrics'],
    ['application/openmetrics-text; version=2.0.0, text/plain;q=0.1', 'prometheus'],
    ['application/openmetrics-text;q=0, text/plain;q=0.1', 'prometheus'],
    ['text/plain;q=0.9, application/openmetrics-text;q=0.5', 'prometheus'],
    [
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      'openmetrics',
    ],
  ])('%s → %s', (accept, format) => {
    expect(acceptFormat(accept)).toBe(format);
  });
});
