import fc from 'fast-check';
import { RouteTable } from './route-table';

const table = new RouteTable<string>();
for (const route of [
  'GET /posts',
  'POST /posts',
  'GET /posts/:id',
  'GET /posts/:id/likes',
  'GET /users/:name/posts',
  'GET /posts/tags/:tag',
]) {
  const [method = '', path = ''] = route.split(' ');
  table.add(method, path, route);
}

it.each([
  ['GET', '/posts', 'GET /posts', {}],
  ['POST', '/posts?draft=1', 'POST /posts', {}],
  ['GET', '/posts/7', 'GET /posts/:id', { id: '7' }],
  ['GET', '/posts/7?a=/b/c', 'GET /posts/:id', { id: '7' }],
  ['GET', '/posts/7/likes', 'GET /posts/:id/likes', { id: '7' }],
  ['GET', '/posts/tags/ada', 'GET /posts/tags/:tag', { tag: 'ada' }],
  ['GET', '/users/ada/posts', 'GET /users/:name/posts', { name: 'ada' }],
])('%s %s is %s', (method, url, route, params) => {
  expect(table.find(method, url)).toEqual({ route, params });
});

it.each([
  ['DELETE', '/posts'],
  ['HEAD', '/posts/7'],
  ['GET', '/posts/'],
  ['GET', '/posts//likes'],
  ['GET', '/posts/7/'],
  ['GET', '/Posts/7'],
  ['GET', '/posts/%37'],
  ['GET', '/posts/%zz'],
  ['GET', '//posts'],
  ['GET', ''],
  ['GET', '*'],
  ['GET', '/__proto__'],
])('%s %s is left to Express', (method, url) => {
  expect(table.find(method, url)).toBeUndefined();
});

it('never throws, and only finds a path with as many segments as the route has', () => {
  fc.assert(
    fc.property(fc.constantFrom('GET', 'POST'), fc.webPath(), (method, path) => {
      const found = table.find(method, path);
      if (found) expect(path.split('/').length).toBe(found.route.split('/').length);
    }),
  );
});
